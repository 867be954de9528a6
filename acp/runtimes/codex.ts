// Codex as a session's client: its app-server, one process and one thread for many prompts, within a run of the harness. Its own sandbox is off,
// because ours holds it; every command and every change asks us first.
// Does not stop: what Codex does between two messages; the sandbox it lives in does.

import type { ToolKind } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { acpError } from "../errors.ts";
import { openPeer } from "../peer.ts";
import type { AgentRuntime, RuntimeOptions, Turn } from "../runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "../schema.ts";
import * as wire from "./codex-wire.ts";
import { type Launch, openPipes } from "./pipes.ts";

type Going = { turn: Turn; settle: PromiseWithResolvers<StopReason> };

/** Codex leaves the member out that says it is JSON-RPC. */
const bare = ({ jsonrpc: _, ...message }: Record<string, unknown>) => message;

/** Starts it with a thread. Rejects with what kept the run from being launched. */
export async function startCodex(
  launch: Launch,
  { cwd, model, transcript, effort, servers, onCommands, signal }: RuntimeOptions,
): Promise<AgentRuntime> {
  let write: (message: object) => void = () => {};
  let going: Going | undefined;
  let earlier = transcript;
  const items = new Map<string, wire.Item>();
  const peer = openPeer(async (message) => write(bare(message as Record<string, unknown>)));
  let shown: Promise<void> = Promise.resolve();
  const show = (update: SessionUpdate) => {
    const turn = going?.turn;
    if (turn !== undefined) shown = shown.then(() => turn.update(update));
  };
  const on = <Schema extends v.GenericSchema>(
    method: string,
    schema: Schema,
    act: (data: v.InferOutput<Schema>) => void,
  ) =>
    peer.onNotification(method, (params) => {
      const parsed = v.safeParse(schema, params);
      if (parsed.success) act(parsed.output);
    });
  const chunk = (kind: "agent_message_chunk" | "agent_thought_chunk") => (data: { delta: string }) =>
    show({ sessionUpdate: kind, content: { type: "text", text: data.delta } });

  on("item/agentMessage/delta", wire.deltaSchema, chunk("agent_message_chunk"));
  on("item/reasoning/summaryTextDelta", wire.deltaSchema, chunk("agent_thought_chunk"));
  on("item/commandExecution/outputDelta", wire.printedSchema, ({ itemId, delta }) => {
    const turn = going?.turn;
    if (turn !== undefined) shown = shown.then(() => turn.printed(itemId, delta));
  });
  on("item/started", wire.itemSchema, ({ item }) => {
    items.set(item.id, item);
    show({ sessionUpdate: "tool_call", ...wire.toolCallOf(item) });
  });
  on("item/completed", wire.itemSchema, ({ item }) => {
    items.delete(item.id);
    show(wire.endOf(item));
  });
  on("turn/completed", wire.endSchema, ({ turn: { status } }) => {
    const over = going;
    going = undefined;
    if (status === "completed") over?.settle.resolve("end_turn");
    else if (status === "interrupted") over?.settle.resolve("cancelled");
    else over?.settle.reject(acpError("internal", "the client could not finish the turn", { reason: status }));
  });
  const approve = (kind: ToolKind) => async (params: unknown) => {
    const parsed = v.safeParse(wire.askSchema, params);
    const mine = going;
    if (!parsed.success || mine === undefined) return { decision: "decline" };
    const item = items.get(parsed.output.itemId);
    const toolCall = item === undefined ? { toolCallId: parsed.output.itemId } : wire.toolCallOf(item);
    await shown;
    const allowed = await mine.turn.permit({ toolCall, kind });
    // Only this once: what it would remember itself, it would write into rules of its own.
    return { decision: allowed ? "accept" : "decline" };
  };
  peer.onRequest("mcpServer/elicitation/request", async (params) => {
    const parsed = v.safeParse(wire.mcpAskSchema, params);
    const mine = going;
    if (!parsed.success || mine === undefined) return { action: "decline", content: null };
    const { serverName, _meta: meta } = parsed.output;
    const item = [...items.values()].findLast(
      (each) => each.type === "mcpToolCall" && each.server === serverName && each.tool === meta.tool_name,
    );
    await shown;
    if (item === undefined || !(await mine.turn.permit({ toolCall: wire.toolCallOf(item), kind: "other" })))
      return { action: "decline", content: null };
    return { action: "accept", content: {} };
  });
  peer.onRequest("item/commandExecution/requestApproval", approve("execute"));
  peer.onRequest("item/fileChange/requestApproval", approve("edit"));

  const pipes = await openPipes(
    launch,
    ["app-server"],
    (line) => {
      const message = parseJson(line);
      if (message !== null && typeof message === "object" && !Array.isArray(message))
        peer.take({ jsonrpc: "2.0", ...message });
      return shown;
    },
    signal,
  );
  write = pipes.write;
  void pipes.ended.then(() => peer.close());
  const ready = async (): Promise<string> => {
    const clientInfo = { name: "broke", title: "broke", version: "0" };
    await peer.request("initialize", {
      clientInfo,
      capabilities: { experimentalApi: true, requestAttestation: false },
    });
    await peer.notify("initialized", {});
    const started = await peer.request("thread/start", {
      ...{ cwd, model, approvalPolicy: "untrusted", sandbox: "danger-full-access" },
      ...(servers.length === 0 ? {} : { config: { mcp_servers: wire.serversOf(servers) } }),
    });
    return v.parse(wire.threadSchema, started).thread.id;
  };
  const threadId = await ready().catch(async (error: unknown) => {
    pipes.end();
    await pipes.ended;
    throw error;
  });
  // It has none of its own here: those of the client before it are gone.
  onCommands([]);
  return {
    ended: pipes.ended,
    async prompt(blocks: readonly PromptBlock[], turn: Turn) {
      const settle = Promise.withResolvers<StopReason>();
      going = { turn, settle };
      const before =
        earlier === "" ? [] : [{ type: "text" as const, text: `What was said in this session before:\n\n${earlier}` }];
      earlier = "";
      const begun = await peer.request("turn/start", {
        ...{ threadId, input: wire.inputOf([...before, ...blocks]) },
        ...(effort === undefined ? {} : { effort }),
      });
      const turnId = v.parse(wire.turnSchema, begun).turn.id;
      const interrupt = () => void peer.request("turn/interrupt", { threadId, turnId }).catch(() => {});
      turn.signal.addEventListener("abort", interrupt, { once: true });
      if (turn.signal.aborted) interrupt();
      try {
        return await settle.promise;
      } finally {
        turn.signal.removeEventListener("abort", interrupt);
        await shown;
        // What a turn started and left running is no part of the next.
        await peer.request("thread/backgroundTerminals/clean", { threadId }).catch(() => {});
      }
    },
    async close() {
      pipes.end();
      await pipes.ended;
    },
  };
}
