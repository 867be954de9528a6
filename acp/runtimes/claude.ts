// Claude Code as a session's client: one process for many prompts, by stream-json and its control protocol, within a run of the harness.
// Does not stop: what Claude Code does between two messages; the sandbox it lives in does.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { acpError } from "../errors.ts";
import type { AgentRuntime, RuntimeOptions, Turn } from "../runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "../schema.ts";
import { type Launch, openPipes } from "./pipes.ts";
import {
  type ClaudeLine,
  commandsOf,
  serversOf,
  contentOf,
  kindOf,
  lineSchema,
  planOf,
  resultOf,
  stopOf,
  toolCallOf,
} from "./claude-wire.ts";

const arguments_ = (model: string) => [
  ...["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose"],
  ...[
    "--permission-prompt-tool",
    "stdio",
    "--permission-mode",
    "default",
    "--include-partial-messages",
    "--model",
    model,
    // Of MCP servers only the editor's, by its own protocol: an argument would show what they are told.
    "--strict-mcp-config",
  ],
];

type Going = { turn: Turn; settle: PromiseWithResolvers<StopReason>; asked: Map<string, () => void> };

/** Starts it. Rejects with what kept the run from being launched. */
export async function startClaude(
  launch: Launch,
  { model, transcript, servers, onCommands, signal }: RuntimeOptions,
): Promise<AgentRuntime> {
  let write: (message: object) => void = () => {};
  let going: Going | undefined;
  let earlier = transcript;
  let controls = 0;
  const asked = new Map<string, (answer: unknown) => void>();
  /** Resolves with its answer; undefined where it was an error. */
  const control = (request: object): Promise<unknown> => {
    const request_id = `broke-${++controls}`;
    const answered = new Promise<unknown>((resolve) => asked.set(request_id, resolve));
    write({ type: "control_request", request_id, request });
    return answered;
  };
  const show = (update: SessionUpdate | undefined) =>
    update === undefined || going === undefined ? undefined : going.turn.update(update);

  const ask = async ({ request_id, request }: Extract<ClaudeLine, { type: "control_request" }>): Promise<void> => {
    const answer = (response: object) =>
      write({ type: "control_response", response: { subtype: "success", request_id, response } });
    const { tool_name: tool = "", input = {}, tool_use_id: id = request_id } = request;
    const mine = going;
    if (request.subtype !== "can_use_tool")
      return write({ type: "control_response", response: { subtype: "error", request_id, error: "not offered" } });
    if (mine === undefined) return answer({ behavior: "deny", message: "no prompt is going on" });
    const { status: _, ...toolCall } = toolCallOf(id, tool, input);
    const withdrawn = new Promise<boolean>((resolve) => mine.asked.set(request_id, () => resolve(false)));
    const allowed = await Promise.race([mine.turn.permit({ toolCall, kind: kindOf(tool) }), withdrawn]);
    if (!mine.asked.delete(request_id)) return;
    if (allowed) {
      await show({ sessionUpdate: "tool_call_update", toolCallId: id, status: "in_progress" });
      answer({ behavior: "allow", updatedInput: input });
    } else answer({ behavior: "deny", message: "The user did not allow this." });
  };

  const take = async (line: ClaudeLine): Promise<void> => {
    if (line.type === "control_request") return void ask(line);
    if (line.type === "control_response") {
      const { request_id, subtype, response } = line.response;
      asked.get(request_id)?.(subtype === "success" ? response : undefined);
      return void asked.delete(request_id);
    }
    if (line.type === "control_cancel_request") {
      const withdraw = going?.asked.get(line.request_id);
      going?.asked.delete(line.request_id);
      return withdraw?.();
    }
    if (line.type === "result") {
      const reason = stopOf(line);
      const over = going;
      going = undefined;
      if (reason !== undefined) over?.settle.resolve(reason);
      else over?.settle.reject(acpError("internal", "the client could not finish the turn", { reason: line.subtype }));
      return;
    }
    // What a subagent says is its own; its tools are seen by the tool that started it.
    if (line.parent_tool_use_id != null) return;
    if (line.type === "stream_event") return show(deltaOf(line.event));
    const blocks = typeof line.message.content === "string" ? [] : line.message.content;
    for (const block of blocks) {
      if (line.type === "user") await show(resultOf(block));
      else if (line.error != null && block.type === "text" && typeof block["text"] === "string")
        await show({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: block["text"] } });
      else if (block.type === "tool_use") await showTool(block);
    }
  };
  const showTool = async (block: Record<string, unknown>): Promise<void> => {
    const parsed = v.safeParse(toolSchema, block);
    if (!parsed.success) return;
    const { id, name, input } = parsed.output;
    if (name === "TodoWrite") await show(planOf(input));
    await show({ sessionUpdate: "tool_call", ...toolCallOf(id, name, input) });
  };

  const pipes = await openPipes(
    launch,
    arguments_(model),
    (text) => {
      const parsed = v.safeParse(lineSchema, parseJson(text));
      return parsed.success ? take(parsed.output) : undefined;
    },
    signal,
  );
  write = pipes.write;
  const { ended } = pipes;
  const gone = ended.then((): never => {
    throw acpError("internal", "the client ended as it was started", { reason: "runtime_exited" });
  });
  gone.catch(() => {});
  onCommands(commandsOf(await Promise.race([control({ subtype: "initialize" }), gone])));
  if (servers.length > 0)
    await Promise.race([control({ subtype: "mcp_set_servers", servers: serversOf(servers) }), gone]);
  return {
    ended,
    async prompt(blocks: readonly PromptBlock[], turn: Turn) {
      const settle = Promise.withResolvers<StopReason>();
      going = { turn, settle, asked: new Map() };
      const onAbort = () => void control({ subtype: "interrupt" });
      turn.signal.addEventListener("abort", onAbort, { once: true });
      const before =
        earlier === "" ? [] : [{ type: "text", text: `What was said in this session before:\n\n${earlier}` }];
      earlier = "";
      write({
        ...{ type: "user", parent_tool_use_id: null, session_id: "" },
        message: { role: "user", content: [...before, ...contentOf(blocks)] },
      });
      try {
        return await settle.promise;
      } finally {
        turn.signal.removeEventListener("abort", onAbort);
      }
    },
    async close() {
      if (going === undefined) pipes.finish();
      else pipes.end();
      await ended;
    },
  };
}

const toolSchema = v.object({ id: v.string(), name: v.string(), input: v.record(v.string(), v.unknown()) });
const deltaSchema = v.object({
  type: v.literal("content_block_delta"),
  delta: v.variant("type", [
    v.object({ type: v.literal("text_delta"), text: v.string() }),
    v.object({ type: v.literal("thinking_delta"), thinking: v.string() }),
  ]),
});

function deltaOf(event: unknown): SessionUpdate | undefined {
  const parsed = v.safeParse(deltaSchema, event);
  if (!parsed.success) return undefined;
  const { delta } = parsed.output;
  if (delta.type === "text_delta")
    return { sessionUpdate: "agent_message_chunk", content: { type: "text", text: delta.text } };
  return { sessionUpdate: "agent_thought_chunk", content: { type: "text", text: delta.thinking } };
}
