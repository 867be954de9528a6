// What of Claude Code's stream-json is read, and how its tools are shown to an editor. Facts: claude.md §2, observed on 2.1.330. Pure.

import type { AvailableCommand, McpServerStdio, ToolCall, ToolCallContent, ToolKind } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import type { PromptBlock, SessionUpdate, StopReason } from "../schema.ts";

const text = v.string();
const loose = v.record(text, v.unknown());
const content = v.array(v.looseObject({ type: text }));
const parent = v.optional(v.nullable(text));

/** A line of its output; what is not known is of no concern. */
export const lineSchema = v.variant("type", [
  v.looseObject({
    type: v.literal("control_request"),
    request_id: text,
    request: v.looseObject({
      subtype: text,
      tool_name: v.optional(text),
      input: v.optional(loose),
      tool_use_id: v.optional(text),
    }),
  }),
  v.looseObject({ type: v.literal("control_cancel_request"), request_id: text }),
  v.looseObject({
    type: v.literal("control_response"),
    response: v.looseObject({ subtype: text, request_id: text, response: v.optional(v.unknown()) }),
  }),
  v.looseObject({ type: v.literal("stream_event"), event: v.looseObject({ type: text }), parent_tool_use_id: parent }),
  v.looseObject({
    type: v.literal("assistant"),
    message: v.looseObject({ content }),
    parent_tool_use_id: parent,
    error: v.optional(v.nullable(text)),
  }),
  v.looseObject({
    type: v.literal("user"),
    message: v.looseObject({ content: v.union([text, content]) }),
    parent_tool_use_id: parent,
  }),
  v.looseObject({
    type: v.literal("result"),
    subtype: text,
    is_error: v.optional(v.boolean()),
    stop_reason: v.optional(v.nullable(text)),
    terminal_reason: v.optional(v.nullable(text)),
    usage: v.optional(v.looseObject({})),
  }),
]);
export type ClaudeLine = v.InferOutput<typeof lineSchema>;

const kinds: Record<string, ToolKind> = {
  ...{ Read: "read", NotebookRead: "read", LS: "read", Glob: "search", Grep: "search", WebSearch: "search" },
  ...{ Write: "edit", Edit: "edit", MultiEdit: "edit", NotebookEdit: "edit", Bash: "execute", KillShell: "execute" },
  ...{ BashOutput: "read", WebFetch: "fetch", Task: "think", Agent: "think", TodoWrite: "think" },
  ...{ ExitPlanMode: "switch_mode", EnterPlanMode: "switch_mode" },
};
export const kindOf = (tool: string): ToolKind => kinds[tool] ?? "other";

const MAX_TITLE = 200;
const said = (input: Record<string, unknown>, name: string) =>
  typeof input[name] === "string" ? (input[name] as string) : undefined;

function titleOf(tool: string, input: Record<string, unknown>): string {
  const what =
    said(input, "command") ??
    said(input, "file_path") ??
    said(input, "pattern") ??
    said(input, "url") ??
    said(input, "description");
  const title = what === undefined ? tool : tool === "Bash" ? what : `${tool} ${what}`;
  return (title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE)}…` : title).toWellFormed();
}

function diffOf(tool: string, input: Record<string, unknown>): ToolCallContent[] {
  const path = said(input, "file_path");
  const [before, after] = [said(input, "old_string"), said(input, "new_string") ?? said(input, "content")];
  if (path === undefined || after === undefined || kindOf(tool) !== "edit") return [];
  return [{ type: "diff", path, oldText: before ?? null, newText: after }];
}

/** A tool that the model wants to use. */
export function toolCallOf(id: string, tool: string, input: Record<string, unknown>): ToolCall {
  const path = said(input, "file_path");
  return {
    ...{
      toolCallId: id,
      title: titleOf(tool, input),
      name: tool,
      kind: kindOf(tool),
      status: "pending",
      rawInput: input,
    },
    content: diffOf(tool, input),
    locations: path === undefined ? [] : [{ path }],
  };
}

const todo = v.object({ todos: v.array(v.looseObject({ content: text, status: text })) });
const planStatus = { pending: "pending", in_progress: "in_progress", completed: "completed" } as const;

/** The model's own list of what is to be done, as a plan. */
export function planOf(input: Record<string, unknown>): SessionUpdate | undefined {
  const parsed = v.safeParse(todo, input);
  if (!parsed.success) return undefined;
  const entries = parsed.output.todos.map(({ content, status }) => ({
    ...{ content, priority: "medium" as const },
    status: planStatus[status as keyof typeof planStatus] ?? ("pending" as const),
  }));
  return { sessionUpdate: "plan", entries };
}

function textOfResult(result: unknown): string {
  if (typeof result === "string") return result;
  if (!Array.isArray(result)) return "";
  return result.map((item: { text?: unknown }) => (typeof item?.text === "string" ? item.text : "")).join("");
}

/** How the result of a command that failed begins (observed on 2.1.330). */
const EXIT_CODE = /^Exit code (\d{1,3})(?:\n|$)/;

/** What a tool came to. */
export function resultOf(block: Record<string, unknown>): SessionUpdate | undefined {
  const id = block["tool_use_id"];
  if (block["type"] !== "tool_result" || typeof id !== "string") return undefined;
  const words = textOfResult(block["content"]);
  const shown: ToolCallContent[] = words === "" ? [] : [{ type: "content", content: { type: "text", text: words } }];
  const failed = block["is_error"] === true;
  const status = failed ? "failed" : "completed";
  const code = failed ? EXIT_CODE.exec(words)?.[1] : undefined;
  return {
    sessionUpdate: "tool_call_update",
    toolCallId: id,
    status,
    ...(shown.length === 0 ? {} : { content: shown }),
    ...(code === undefined ? {} : { rawOutput: { exit_code: Number(code) } }),
  };
}

/** Why a turn ended; undefined: it failed. */
export function stopOf({
  subtype,
  is_error,
  stop_reason,
  terminal_reason,
}: Extract<ClaudeLine, { type: "result" }>): StopReason | undefined {
  if (/^aborted/.test(terminal_reason ?? "")) return "cancelled";
  if (subtype === "error_max_turns") return "max_turn_requests";
  if (is_error === true || subtype !== "success") return undefined;
  return stop_reason === "max_tokens" ? "max_tokens" : stop_reason === "refusal" ? "refusal" : "end_turn";
}

/** A prompt as its messages hold it. */
export function contentOf(blocks: readonly PromptBlock[]): object[] {
  return blocks.map((block) => {
    if (block.type === "text") return { type: "text", text: block.text.toWellFormed() };
    if (block.type === "image")
      return { type: "image", source: { type: "base64", media_type: block.mimeType, data: block.data } };
    if (block.type === "resource_link") return { type: "text", text: `[${block.name}](${block.uri})` };
    const { resource } = block;
    const words = "text" in resource ? `\n${String(resource["text"])}\n` : " (not text) ";
    return { type: "text", text: `<context uri=${JSON.stringify(resource.uri)}>${words}</context>`.toWellFormed() };
  });
}

const commandsSchema = v.object({
  commands: v.array(
    v.object({ name: text, description: v.fallback(text, ""), argumentHint: v.fallback(v.nullish(text), undefined) }),
  ),
});

/** Its own slash commands, of its answer to `initialize`. */
export function commandsOf(answer: unknown): AvailableCommand[] {
  const parsed = v.safeParse(commandsSchema, answer);
  if (!parsed.success) return [];
  return parsed.output.commands.map(({ name, description, argumentHint }) => ({
    ...{ name, description },
    ...(argumentHint == null || argumentHint === "" ? {} : { input: { hint: argumentHint } }),
  }));
}

/** The editor's MCP servers as it is told of them. */
export const serversOf = (servers: readonly McpServerStdio[]) =>
  Object.fromEntries(
    servers.map(({ name, command, args, env }) => [
      name,
      { type: "stdio", command, args, env: Object.fromEntries(env.map((each) => [each.name, each.value])) },
    ]),
  );
