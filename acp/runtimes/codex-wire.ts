// What of Codex's app-server is read, and how its items are shown to an editor. Facts: codex-gemini.md §1.10, observed on 0.169.0. Pure.

import type { McpServerStdio, ToolCall, ToolCallContent, ToolCallStatus } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import type { PromptBlock, SessionUpdate } from "../schema.ts";

const text = v.string();

export const threadSchema = v.object({ thread: v.object({ id: text }) });
export const turnSchema = v.object({ turn: v.object({ id: text }) });
export const printedSchema = v.object({ itemId: text, delta: text });
export const deltaSchema = v.object({ delta: text });
export const endSchema = v.object({
  turn: v.object({ status: text, error: v.optional(v.nullable(v.looseObject({ message: v.optional(text) }))) }),
});
const changes = v.array(v.looseObject({ path: text, diff: v.optional(text) }));
const item = v.variant("type", [
  v.looseObject({
    type: v.literal("commandExecution"),
    id: text,
    command: text,
    status: v.optional(text),
    aggregatedOutput: v.optional(v.nullable(text)),
    exitCode: v.optional(v.nullable(v.number())),
  }),
  v.looseObject({ type: v.literal("fileChange"), id: text, changes, status: v.optional(text) }),
  v.looseObject({
    ...{ type: v.literal("mcpToolCall"), id: text, server: text, tool: text, status: v.optional(text) },
    arguments: v.optional(v.unknown()),
    result: v.optional(v.nullable(v.looseObject({ content: v.optional(v.array(v.unknown())) }))),
    error: v.optional(v.nullable(v.looseObject({ message: v.optional(text) }))),
  }),
]);
export const itemSchema = v.object({ item });
export type Item = v.InferOutput<typeof item>;
export const askSchema = v.object({ itemId: text });
/** How it asks about a tool of an MCP server's; whatever else it asks so, a server asks. */
export const mcpAskSchema = v.object({
  serverName: text,
  _meta: v.object({ codex_approval_kind: v.literal("mcp_tool_call"), tool_name: text }),
});

const MAX_TITLE = 200;
/** What the shell it starts commands with is told. */
const SHELL = /^\/bin\/(?:ba)?sh -l?c '([^]*)'$/;

const statuses: Record<string, ToolCallStatus> = {
  completed: "completed",
  failed: "failed",
  declined: "failed",
  inProgress: "in_progress",
};

function titleOf(of: Item): string {
  const title =
    of.type === "commandExecution"
      ? of.command.replace(SHELL, (_, inner: string) => inner.replaceAll("'\\''", "'"))
      : of.type === "mcpToolCall"
        ? `${of.server}: ${of.tool}`
        : `Edit ${of.changes.map(({ path }) => path).join(", ")}`;
  return (title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE)}…` : title).toWellFormed();
}

function wordsOf(of: Item): string[] {
  if (of.type === "commandExecution") return [of.aggregatedOutput ?? ""];
  if (of.type === "fileChange") return of.changes.map(({ diff }) => diff ?? "");
  const said = (of.result?.content ?? []).map((each) => (each as { text?: unknown } | null)?.text);
  return [...said.filter((each) => typeof each === "string"), of.error?.message ?? ""];
}

function contentOf(of: Item): ToolCallContent[] {
  return wordsOf(of)
    .filter((each) => each !== "")
    .map((each) => ({ type: "content", content: { type: "text", text: each } }));
}

const kinds = { commandExecution: "execute", fileChange: "edit", mcpToolCall: "other" } as const;

function inputOfItem(of: Item): { rawInput?: unknown } {
  if (of.type === "commandExecution") return { rawInput: { command: of.command, cwd: of["cwd"] ?? null } };
  return of.type === "mcpToolCall" ? { rawInput: of.arguments ?? null } : {};
}

/** An item as a tool call. */
export function toolCallOf(of: Item): ToolCall {
  return {
    toolCallId: of.id,
    title: titleOf(of),
    name: of.type === "mcpToolCall" ? `${of.server}/${of.tool}` : of.type,
    kind: kinds[of.type],
    status: "pending",
    ...inputOfItem(of),
    content: of.type === "fileChange" ? contentOf(of) : [],
    locations: of.type === "fileChange" ? of.changes.map(({ path }) => ({ path })) : [],
  };
}

/** What an item came to. */
export function endOf(of: Item): SessionUpdate {
  const content = contentOf(of);
  return {
    ...{ sessionUpdate: "tool_call_update", toolCallId: of.id, status: statuses[of.status ?? ""] ?? "completed" },
    ...(content.length === 0 ? {} : { content }),
    ...(of.type === "commandExecution" && of.exitCode != null ? { rawOutput: { exit_code: of.exitCode } } : {}),
  };
}

/** A prompt as its turns hold it. A lone surrogate would never be answered. */
export function inputOf(blocks: readonly PromptBlock[]): object[] {
  return blocks.map((block) => {
    if (block.type === "text") return { type: "text", text: block.text.toWellFormed(), text_elements: [] };
    if (block.type === "image") return { type: "image", url: `data:${block.mimeType};base64,${block.data}` };
    const { uri, words } =
      block.type === "resource_link"
        ? { uri: block.uri, words: block.name }
        : { uri: block.resource.uri, words: "text" in block.resource ? String(block.resource["text"]) : "(not text)" };
    return {
      type: "text",
      text: `<context uri=${JSON.stringify(uri)}>\n${words}\n</context>`.toWellFormed(),
      text_elements: [],
    };
  });
}

/** The editor's MCP servers as its configuration has them. */
export const serversOf = (servers: readonly McpServerStdio[]) =>
  Object.fromEntries(
    servers.map(({ name, command, args, env }) => [
      name,
      // What a server says of its own tools is no reason not to ask.
      {
        command,
        args,
        default_tools_approval_mode: "prompt",
        env: Object.fromEntries(env.map((each) => [each.name, each.value])),
      },
    ]),
  );
