// Our own agent as a session's client, for lanes whose models bring none: one process for many prompts, within a run of the harness, its model behind the
// run's gateway. It asks before it changes or runs anything.
// Does not stop: what the agent does between two messages; the sandbox it lives in does.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import type { Order } from "../agent/protocol.ts";
import { acpError } from "../errors.ts";
import type { AgentRuntime, RuntimeOptions, Turn } from "../runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "../schema.ts";
import { type TurnFiles, turnFiles } from "./headless-files.ts";
import { contentOf, kindOf, partsOf, type ToldLine, toldSchema, toolCallOf } from "./headless-wire.ts";
import { type Launch, type OfRun, openPipes } from "./pipes.ts";

type Call = Extract<ToldLine, { kind: "tool" }>;
type Going = { turn: Turn; settle: PromiseWithResolvers<StopReason>; calls: Map<string, Call>; files: TurnFiles };

const MAX_CAUSE_BYTES = 512;

/** Starts it. `contextTokens`: how much its model takes. Rejects with what kept the run from being launched. */
export async function startHeadless(
  launch: Launch,
  { cwd, model, transcript, effort, servers, signal, files, contextTokens }: RuntimeOptions & { contextTokens: number },
): Promise<AgentRuntime> {
  let going: Going | undefined;
  let earlier = transcript;
  let leftOut =
    servers.length === 0 ? "" : `[this lane knows no MCP servers: ${servers.length} of the editor's are left out]\n`;
  let write: (order: Order) => void = () => {};

  const permit = async ({ turn, calls, files }: Going, id: string): Promise<void> => {
    const call = calls.get(id);
    if (call === undefined) return write({ kind: "permit", id, allowed: false });
    const { status: _, ...toolCall } = toolCallOf(call, cwd);
    const allowed = await turn.permit({ toolCall, kind: kindOf(call.name) });
    if (allowed) files.allowed(call);
    write({ kind: "permit", id, allowed });
  };
  const show = (update: SessionUpdate) => going?.turn.update(update);
  const take = async (told: ToldLine, { outside }: OfRun): Promise<void> => {
    // Answered even when no turn goes on: the agent waits for it.
    if (told.kind === "file") {
      const own = { kind: "file" as const, id: told.id, outcome: "own" as const };
      return going === undefined ? write(own) : void going.files.answer(told, outside).then((order) => write(order));
    }
    if (going === undefined) return;
    switch (told.kind) {
      case "text":
      case "thought": {
        const sessionUpdate = told.kind === "text" ? "agent_message_chunk" : "agent_thought_chunk";
        return show({ sessionUpdate, content: { type: "text", text: told.text.toWellFormed() } });
      }
      case "tool":
        going.calls.set(told.id, told);
        return show({ sessionUpdate: "tool_call", ...toolCallOf(told, cwd) });
      case "ask":
        // Not waited for: while somebody thinks it over, other tools go on.
        return void permit(going, told.id);
      case "started":
        return show({ sessionUpdate: "tool_call_update", toolCallId: told.id, status: "in_progress" });
      case "printed":
        return going.turn.printed(told.id, told.text);
      case "ended": {
        const { id: toolCallId, ok, text, exit } = told;
        const call = going.calls.get(toolCallId);
        // Of what was changed the change is shown, not the words about it.
        const isChange = ok && call?.change !== undefined;
        const shown = isChange ? {} : { content: contentOf(text) };
        const status = ok ? "completed" : "failed";
        const output = exit === undefined ? {} : { rawOutput: exit };
        return show({ sessionUpdate: "tool_call_update", toolCallId, status, ...shown, ...output });
      }
      case "usage":
        // What the gateway saw is shown, by the session.
        return;
      case "end":
      case "failed": {
        const over = going;
        going = undefined;
        if (told.kind === "end") return over.settle.resolve(told.reason);
        const reason = clip(told.why.toWellFormed(), MAX_CAUSE_BYTES).text;
        return over.settle.reject(
          acpError("internal", `the model could not go on: ${reason}`, { reason: "model_error" }),
        );
      }
    }
  };

  const size = ["--context", String(contextTokens)];
  const thinking = effort === undefined ? [] : ["--effort", effort];
  const { read, write: writes } = files.offered();
  const editor = [...(read ? ["read"] : []), ...(writes ? ["write"] : [])];
  const pipes = await openPipes(
    launch,
    ["--model", model, ...size, ...thinking, ...(editor.length === 0 ? [] : ["--editor", editor.join(",")])],
    (text, run) => {
      const parsed = v.safeParse(toldSchema, parseJson(text));
      return parsed.success ? take(parsed.output, run) : undefined;
    },
    signal,
  );
  write = pipes.write;
  return {
    ended: pipes.ended,
    async prompt(blocks: readonly PromptBlock[], turn: Turn) {
      const settle = Promise.withResolvers<StopReason>();
      going = { turn, settle, calls: new Map(), files: turnFiles(files, cwd, turn.signal) };
      const cancel = () => write({ kind: "cancel" });
      turn.signal.addEventListener("abort", cancel, { once: true });
      const before =
        earlier === "" ? [] : [{ type: "text" as const, text: `What was said in this session before:\n\n${earlier}` }];
      earlier = "";
      if (leftOut !== "")
        await turn.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text: leftOut } });
      leftOut = "";
      write({ kind: "prompt", parts: partsOf([...before, ...blocks]) });
      if (turn.signal.aborted) cancel();
      try {
        return await settle.promise;
      } finally {
        turn.signal.removeEventListener("abort", cancel);
      }
    },
    async close() {
      if (going === undefined) pipes.finish();
      else pipes.end();
      await pipes.ended;
    },
  };
}
