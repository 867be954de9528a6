// A session on a lane of our own agent, in strict, with a scripted model behind the gateway.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ClientCapabilities } from "@agentclientprotocol/sdk";
import { type AcpServer, type EditorFs, saidIn, startAcp } from "./acp.ts";
import { type Bench, makeBench } from "./broke.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import type { Raw, Reply, Script, Seen } from "./upstream/script.ts";

export type Headless = AsyncDisposable & {
  bench: Bench;
  upstream: Upstream;
  server: AcpServer;
  sessionId: string;
  /** Titles of what was asked about. */
  asked: string[];
  ask(text: string): Promise<{ stopReason: string }>;
  /** What tools came to, each by the last status that was told, in the order they were told of. */
  statuses(): (string | null | undefined)[];
  said(): string;
};

type Options = {
  script: Script;
  files?: Record<string, string>;
  permit?: (title: string) => string | Promise<string>;
  args?: string[];
  mode?: string;
  lane?: string;
  dialect?: "anthropic" | "openai-chat";
  /** What the editor says it can do. */
  capabilities?: ClientCapabilities;
  editor?: EditorFs;
  /** What else is laid out in the workspace. */
  arrange?(workspace: string): void;
};

/** Lays the workspace out, starts everything and opens the session. */
export async function openHeadless(options: Options): Promise<Headless> {
  const { script, files = {}, permit = () => "allow", args = [], lane = "local", dialect = "openai-chat" } = options;
  const bench = makeBench();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(bench.workspace, path)), { recursive: true });
    writeFileSync(join(bench.workspace, path), text);
  }
  options.arrange?.(bench.workspace);
  const upstream = await startUpstream(script);
  for (const words of [
    ["backend", "add", "scripted", "--base-url", upstream.url, "--dialect", dialect, "--model", "m"],
    ["swap", "all=scripted"],
  ]) {
    const ran = await bench.broke(words);
    if (ran.code !== 0) throw new Error(ran.stderr);
  }
  const asked: string[] = [];
  const server = startAcp(
    bench,
    ({ toolCall }) => {
      asked.push(toolCall.title ?? "");
      return permit(toolCall.title ?? "");
    },
    {},
    args,
    options.editor,
  );
  const { agent } = server.connection;
  await agent.request("initialize", { protocolVersion: 1, clientCapabilities: options.capabilities ?? {} });
  const { sessionId } = await agent.request("session/new", { cwd: bench.workspace, mcpServers: [] });
  await agent.request("session/set_config_option", { sessionId, configId: "lane", value: lane });
  if (options.mode !== undefined) await agent.request("session/set_mode", { sessionId, modeId: options.mode });
  return {
    ...{ bench, upstream, server, sessionId, asked },
    ask: (text) => agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] }),
    statuses() {
      const last = new Map<string, string | null | undefined>();
      for (const { update } of server.updates) {
        if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") continue;
        if (update.status != null || !last.has(update.toolCallId)) last.set(update.toolCallId, update.status);
      }
      return [...last.values()];
    },
    said: () => saidIn(server.updates),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    },
  };
}

/** An answer of Chat's whose one call has arguments as they stand here. */
export function rawCall(name: string, args: string): Raw {
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const call = { index: 0, id: "raw_1", type: "function", function: { name, arguments: args } };
  return {
    kind: "raw",
    body: `${chunk({ role: "assistant", tool_calls: [call] })}${chunk({}, "tool_calls")}data: [DONE]\n\n`,
  };
}

/** Steps, each made of what the tools said last. */
export const steps =
  (...replies: ((results: string[]) => Reply)[]): Script =>
  (seen) => {
    const done = seen.history.filter(({ role }) => role === "assistant").length;
    return replies[done]!(lastResults(seen));
  };

/** What the tools of the last answer said. */
export function lastResults({ history }: Pick<Seen, "history">): string[] {
  const at = history.findLastIndex(({ role }) => role === "assistant");
  return history.slice(at + 1).flatMap(({ results }) => results.map(({ text }) => text));
}
