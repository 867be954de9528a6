// An ACP server in this process, with a client that does what the test says in place of a real one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Commands } from "#acp/commands.ts";
import { splitFrames } from "#acp/framing.ts";
import { type Patience, usualPatience } from "#acp/keep.ts";
import { openPeer } from "#acp/peer.ts";
import type { AgentRuntime, RuntimeOptions, StartRuntime, Turn } from "#acp/runtime.ts";
import type { PromptBlock, StopReason } from "#acp/schema.ts";
import { type Server, serveAcp } from "#acp/server.ts";
import { openSessionStore } from "#acp/store.ts";
import { systemClock } from "#src/core/clock.ts";
import { makeRedactor } from "#src/core/text.ts";
import { openHome } from "#src/state/paths.ts";

export type Frame = {
  jsonrpc: string;
  id?: unknown;
  method?: string;
  params?: never;
  result?: never;
  error?: { code: number; data?: unknown };
};

export type Runtime = {
  options: RuntimeOptions;
  /** What it does with each prompt. */
  prompt(blocks: readonly PromptBlock[], turn: Turn): Promise<StopReason>;
  closed: boolean;
  dead: boolean;
  /** What was written into its run's ledger. */
  recorded: object[];
  /** As if it had died. */
  die(): void;
};

export type Pair = Disposable & {
  cwd: string;
  home: string;
  frames: Frame[];
  runtimes: Runtime[];
  /** Puts bytes in as they are. */
  put(text: string): void;
  /** Sends a request and resolves with its answer. */
  ask(method: string, params?: unknown, id?: number | string): Promise<Frame>;
  tell(method: string, params: unknown): void;
  /** Answers a request of the server's. */
  answer(id: unknown, result: unknown): void;
  /** Resolves with the first frame that is one of these, from now or before. */
  until(is: (frame: Frame) => boolean): Promise<Frame>;
  server: Server;
  /** What the operator was told. */
  logged: string[];
  close(): void;
};

/** `starting` takes the place of the client altogether. */
export type PairOptions = {
  patience?: Partial<Patience>;
  commands?: Commands;
  secrets?: string[];
  warning?: string;
  starting?: StartRuntime;
  /** What the editor says it can do. */
  capabilities?: object;
};

/** Starts one; `prompt` is what every client does unless the test changes it. */
export function openPair(
  prompt: Runtime["prompt"] = async () => "end_turn",
  { patience = {}, commands = {}, secrets = [], starting, warning }: PairOptions = {},
): Pair {
  const dir = mkdtempSync(join(tmpdir(), "broke-acp-"));
  const home = openHome({ BROKE_HOME: join(dir, "home") });
  const frames: Frame[] = [];
  const runtimes: Runtime[] = [];
  const logged: string[] = [];
  const watchers = new Set<() => void>();
  const peer = openPeer(async (message) => {
    frames.push(JSON.parse(JSON.stringify(message)) as Frame);
    for (const watcher of watchers) watcher();
  });
  const start = async (options: RuntimeOptions): Promise<AgentRuntime> => {
    const gone = Promise.withResolvers<void>();
    const runtime: Runtime = {
      ...{ options, prompt, closed: false, dead: false, recorded: [] },
      die() {
        runtime.dead = true;
        gone.resolve();
      },
    };
    runtimes.push(runtime);
    const run = `run_${runtimes.length}`;
    options.watch.began(run, (event, data) => void runtime.recorded.push({ event, ...data }), {
      before: "tree",
      now: () => "tree",
    });
    const ended = gone.promise.then(() => options.watch.ended(run, "ACCEPT"));
    return {
      ended,
      prompt: (blocks, turn) => runtime.prompt(blocks, turn),
      async close() {
        runtime.closed = true;
        gone.resolve();
        await ended;
      },
    };
  };
  const server = serveAcp(peer, {
    ...{
      store: openSessionStore(home, systemClock, () => makeRedactor(secrets)),
      start: starting ?? start,
      version: "0",
      commands,
    },
    patience: { ...usualPatience, ...patience },
    windowOf: (lane) => (lane === "claude" ? 200_000 : 1000),
    warning,
    log: (line) => void logged.push(line),
    reviewWork: async () => ({ run: null, counted: false, reason: "nobody worked" }),
    artifactsOf: async (run) => [{ run, kind: "diff", sha256: "0".repeat(64), bytes: 1 }],
    available: {
      lanes: [
        {
          ...{ id: "claude", title: "Claude" },
          models: [
            { id: "sonnet", title: "Sonnet" },
            { id: "opus", title: "Opus" },
          ],
        },
        { id: "codex", title: "Codex", models: [{ id: "gpt54", title: "GPT" }], efforts: ["low", "high"] },
      ],
      sandboxes: ["strict", "hardened"],
      policies: ["off", "balanced"],
    },
    usual: { lane: "claude", mode: "ask", model: "sonnet", sandbox: "strict", policy: "off", thought_level: "default" },
  });
  const split = splitFrames(1024 * 1024);
  const put = (text: string) => {
    for (const frame of split.push(Buffer.from(text))) peer.receive(frame);
  };
  const until = (is: (frame: Frame) => boolean) =>
    new Promise<Frame>((resolve) => {
      const look = () => {
        const found = frames.find(is);
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
    });
  let asked = 0;
  return {
    ...{ cwd: dir, home: home.root, frames, runtimes, put, until, server, logged },
    ask(method, params, id = ++asked) {
      put(`${JSON.stringify({ jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) })}\n`);
      return until((frame) => frame.id === id && frame.method === undefined);
    },
    tell: (method, params) => put(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`),
    answer: (id, result) => put(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`),
    close: () => peer.close(),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A greeted pair with a session. */
export async function openTalk(
  prompt?: Runtime["prompt"],
  options?: PairOptions,
): Promise<Pair & { sessionId: string }> {
  const pair = openPair(prompt, options);
  await pair.ask("initialize", { protocolVersion: 1, clientCapabilities: options?.capabilities ?? {} });
  const { result } = await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] });
  return Object.assign(pair, { sessionId: (result as unknown as { sessionId: string }).sessionId });
}

/** A prompt of words. */
export const text = (words: string) => [{ type: "text", text: words }];
/** What an assistant says. */
export const chunk = (words: string) => ({
  sessionUpdate: "agent_message_chunk" as const,
  content: { type: "text" as const, text: words },
});
/** What the editor was shown. */
export const updatesOf = ({ frames }: Pair) =>
  frames.flatMap(({ method, params }) =>
    method === "session/update" ? [(params as unknown as { update: { sessionUpdate: string } }).update] : [],
  );
export const codeOf = ({ error }: Frame) => error?.code;
/** Why the prompt it answers ended. */
export const stopOf = ({ result }: Frame) => (result as { stopReason?: string } | undefined)?.stopReason;
