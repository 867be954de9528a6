// An editor for the bench: an agent's process, its lines, and when each came. Every permission is given; what else the agent wants is not offered.

import { readFileSync } from "node:fs";
import { below, type Known, isAlive } from "#test/support/processes.ts";
import { nowMs } from "./upstream.ts";

type Message = {
  id?: number | string;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: unknown;
};
export type Start = { argv: string[]; cwd: string; env: Record<string, string> };

export type Agent = {
  ask(method: string, params: object): Promise<Record<string, unknown>>;
  /** What it said since the last time, with the moment each part came. */
  takeText(): { text: string; atMs: number }[];
  /** Kinds of updates so far. */
  kinds: Set<string>;
  /** Memory of it and all it started, each page counted in parts by who shares it (proc(5), smaps_rollup). */
  pssMb(): number;
  /** Ends its input; how long it took to be gone, and how much of it was left two seconds later. */
  end(): Promise<{ ms: number; left: number }>;
};

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // gone
  }
}

/** Starts one. */
export function startAgent({ argv, cwd, env }: Start): Agent {
  const child = Bun.spawn(argv, {
    cwd,
    env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: process.env["BENCH_ERRORS"] ? "inherit" : "ignore",
  });
  const waiting = new Map<number | string, PromiseWithResolvers<Record<string, unknown>>>();
  const kinds = new Set<string>();
  let said: { text: string; atMs: number }[] = [];
  let asked = 0;
  const send = (message: object) => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    child.stdin.flush();
  };
  const answer = ({ id, method, params }: Message) => {
    if (method !== "session/request_permission") return send({ id, error: { code: -32601, message: "not offered" } });
    const { options } = params as { options: { optionId: string; kind: string }[] };
    const optionId = (options.find(({ kind }) => kind === "allow_once") ?? options[0]!).optionId;
    send({ id, result: { outcome: { outcome: "selected", optionId } } });
  };
  const take = (message: Message, atMs: number) => {
    if (message.method === "session/update") {
      const { update } = message.params as { update: { sessionUpdate: string; content?: { text?: string } } };
      kinds.add(update.sessionUpdate);
      if (update.sessionUpdate === "agent_message_chunk") said.push({ text: update.content?.text ?? "", atMs });
    } else if (message.method !== undefined) {
      if (message.id !== undefined) answer(message);
    } else if (message.id !== undefined) {
      const mine = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error === undefined) mine?.resolve((message.result ?? {}) as Record<string, unknown>);
      else mine?.reject(new Error(JSON.stringify(message.error).slice(0, 500)));
    }
  };
  void (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout as unknown as AsyncIterable<Uint8Array>) {
      const atMs = nowMs();
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim().startsWith("{")) take(JSON.parse(line) as Message, atMs);
    }
    for (const { reject } of waiting.values()) reject(new Error("the agent is gone"));
  })();
  return {
    kinds,
    ask(method, params) {
      const id = ++asked;
      const mine = Promise.withResolvers<Record<string, unknown>>();
      waiting.set(id, mine);
      send({ id, method, params });
      return mine.promise;
    },
    takeText() {
      const all = said;
      said = [];
      return all;
    },
    pssMb: () => pssOf(child.pid) + below(child.pid).reduce((sum, { pid }) => sum + pssOf(pid), 0),
    async end() {
      const all: Known[] = below(child.pid);
      const began = nowMs();
      await child.stdin.end();
      const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await child.exited;
      clearTimeout(killer);
      const ms = nowMs() - began;
      await Bun.sleep(2_000);
      const left = all.filter(isAlive);
      for (const each of left) if (each.pid > 1) process.kill(each.pid, "SIGKILL");
      return { ms, left: left.length };
    },
  };
}
