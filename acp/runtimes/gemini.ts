// Gemini CLI as a session's client: it speaks ACP itself, and we are its editor, within a run of the harness. What it does otherwise than others is
// made even here (codex-gemini.md §2.5, observed on 0.61.0): a tool that asks is never announced, one that was refused is never ended, a cancel hangs
// while a question stands, and its mode changes are text.
// Does not stop: what Gemini CLI does between two messages; the sandbox it lives in does.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { acpError } from "../errors.ts";
import { openPeer } from "../peer.ts";
import type { AgentRuntime, RuntimeOptions, Turn } from "../runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "../schema.ts";
import { type Launch, openPipes } from "./pipes.ts";

const text = v.string();
const kind = v.fallback(
  v.picklist(["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"]),
  "other",
);
const content = v.fallback(v.array(v.looseObject({ type: v.picklist(["content", "diff"]) })), []);
const locations = v.fallback(v.array(v.looseObject({ path: text })), []);
const call = v.object({ toolCallId: text, title: v.fallback(text, "tool"), kind, content, locations });
const words = v.object({ type: v.literal("text"), text });

/** What is read of its updates; others are its own affair. */
const updateSchema = v.object({
  update: v.variant("sessionUpdate", [
    v.object({ sessionUpdate: v.picklist(["agent_message_chunk", "agent_thought_chunk"]), content: words }),
    v.object({ sessionUpdate: v.literal("tool_call"), ...call.entries }),
    v.object({
      sessionUpdate: v.literal("tool_call_update"),
      toolCallId: text,
      status: v.optional(v.picklist(["pending", "in_progress", "completed", "failed"])),
      content: v.optional(content),
    }),
  ]),
});
const commandsSchema = v.object({
  update: v.object({
    sessionUpdate: v.literal("available_commands_update"),
    availableCommands: v.array(v.object({ name: text, description: v.fallback(text, "") })),
  }),
});
const askSchema = v.object({ toolCall: call, options: v.array(v.object({ optionId: text, kind: text })) });
const sessionSchema = v.object({ sessionId: text });
const stops = ["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"] as const;
const stopSchema = v.object({ stopReason: v.picklist(stops) });

/** So many of a run's lines that are no messages are told of. */
const MOST_GARBLED = 20;
/** It answers with its model's HTTP status, or with ACP's own "log in first". */
const reasons: Record<number, string> = {
  ...{ 429: "upstream_rate_limited", 401: "auth_required", 403: "auth_required", [-32000]: "auth_required" },
};

/** Its error, with its reason where it has one of these. */
function told(error: unknown): unknown {
  const code = (error as { data?: { code?: unknown } } | undefined)?.data?.code;
  const reason = typeof code === "number" ? reasons[code] : undefined;
  return reason === undefined ? error : acpError("internal", "the client answered with an error", { code, reason });
}

const MODE_TEXT = /^\[MODE_UPDATE\]/;

type Going = { turn: Turn; known: Set<string> };

/** Texts and links in words: beside an embedded one it would leave every picture out, and a link's path it would read by itself. */
function plain(block: PromptBlock): object {
  if (block.type === "image") return block;
  if (block.type === "text") return { type: "text", text: block.text.toWellFormed() };
  const [uri, said] =
    block.type === "resource_link"
      ? [block.uri, block.name]
      : [block.resource.uri, "text" in block.resource ? String(block.resource["text"]) : "(not text)"];
  return { type: "text", text: `<context uri=${JSON.stringify(uri)}>\n${said}\n</context>`.toWellFormed() };
}

/** Starts it with a session of its own. Rejects with what kept the run from being launched. */
export async function startGemini(
  launch: Launch,
  { cwd, model, transcript, servers, onCommands, signal }: RuntimeOptions,
): Promise<AgentRuntime> {
  let write: (message: object) => void = () => {};
  let going: Going | undefined;
  let earlier = transcript;
  let shown: Promise<void> = Promise.resolve();
  let garbled = 0;
  const peer = openPeer(async (message) => write(message));
  const show = (update: SessionUpdate) => {
    const turn = going?.turn;
    if (turn !== undefined) shown = shown.then(() => turn.update(update));
  };
  peer.onNotification("session/update", (params) => {
    const commands = v.safeParse(commandsSchema, params);
    if (commands.success) return onCommands(commands.output.update.availableCommands);
    const parsed = v.safeParse(updateSchema, params);
    if (!parsed.success || going === undefined) return;
    const { update } = parsed.output;
    if ("toolCallId" in update) going.known.add(update.toolCallId);
    if (update.sessionUpdate === "agent_message_chunk" && MODE_TEXT.test(update.content.text)) return;
    show(update as SessionUpdate);
  });
  peer.onRequest("session/request_permission", async (params) => {
    const parsed = v.safeParse(askSchema, params);
    const mine = going;
    const cancelled = { outcome: { outcome: "cancelled" } };
    if (!parsed.success || mine === undefined) return cancelled;
    const { toolCall, options } = parsed.output;
    const { toolCallId } = toolCall;
    const announced = { ...toolCall, status: "pending" } as const;
    if (!mine.known.has(toolCallId)) show({ sessionUpdate: "tool_call", ...announced } as SessionUpdate);
    mine.known.add(toolCallId);
    await shown;
    const allowed = await mine.turn.permit({ toolCall: toolCall as never, kind: toolCall.kind });
    // Once and no more: what it would remember, it would remember for whole programs.
    const once = options.find((option) => option.kind === (allowed ? "allow_once" : "reject_once"));
    if (allowed && once !== undefined) show({ sessionUpdate: "tool_call_update", toolCallId, status: "in_progress" });
    else show({ sessionUpdate: "tool_call_update", toolCallId, status: "failed" });
    return once === undefined ? cancelled : { outcome: { outcome: "selected", optionId: once.optionId } };
  });
  const pipes = await openPipes(
    launch,
    ["--acp", "--approval-mode", "default", "-m", model],
    (line, { record }) => {
      const message = parseJson(line);
      if (message !== null && typeof message === "object") peer.take(message);
      // What some part of it prints on its own goes past the protocol; it breaks nothing.
      else if (++garbled <= MOST_GARBLED) record("client.garbled", { bytes: Buffer.byteLength(line) });
      return shown;
    },
    signal,
  );
  write = pipes.write;
  void pipes.ended.then(() => peer.close());
  const ready = async (): Promise<string> => {
    const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
    await peer.request("initialize", { protocolVersion: 1, clientCapabilities });
    return v.parse(sessionSchema, await peer.request("session/new", { cwd, mcpServers: servers })).sessionId;
  };
  const sessionId = await ready().catch(async (error: unknown) => {
    pipes.end();
    await pipes.ended;
    throw error;
  });
  return {
    ended: pipes.ended,
    async prompt(blocks: readonly PromptBlock[], turn: Turn): Promise<StopReason> {
      going = { turn, known: new Set() };
      const before =
        earlier === "" ? [] : [{ type: "text", text: `What was said in this session before:\n\n${earlier}` }];
      earlier = "";
      const cancel = () => void peer.notify("session/cancel", { sessionId });
      turn.signal.addEventListener("abort", cancel, { once: true });
      try {
        const answer = v.safeParse(
          stopSchema,
          await peer
            .request("session/prompt", { sessionId, prompt: [...before, ...blocks.map(plain)] })
            .catch((error: unknown) => Promise.reject(told(error))),
        );
        if (!answer.success)
          throw acpError("internal", "the client gave no reason for the turn's end", { reason: "malformed" });
        await shown;
        return answer.output.stopReason;
      } finally {
        going = undefined;
        turn.signal.removeEventListener("abort", cancel);
      }
    },
    async close() {
      // It ends with its input only where it does nothing.
      if (going === undefined) pipes.finish();
      else pipes.end();
      await pipes.ended;
    },
  };
}
