// Several homes that share their state through one Redis, each with a real gateway of its own, and a program that asks them with one bound token.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, type Ran } from "./broke.ts";
import { type Redis, startRedis } from "./redis.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { say, type Script } from "./upstream/script.ts";

export type Replica = { bench: Bench; url: string; process: Bun.Subprocess };

export type Replicas = AsyncDisposable & {
  redis: Redis;
  upstream: Upstream;
  all: Replica[];
  /** Of the profile `app`. */
  token: string;
  /** A command in the home of one of them, which must work. */
  broke(at: number, ...words: string[]): Promise<Ran>;
  /** Asks one of them, with the bound token. */
  ask(at: number, init?: { token?: string; text?: string }): Promise<Response>;
  /** Status alone, of an answer that was read. */
  status(at: number, init?: { token?: string; text?: string }): Promise<number>;
  /** Starts one gateway anew. */
  start(at: number): Promise<void>;
};

async function startGateway(bench: Bench): Promise<Omit<Replica, "bench">> {
  const stdio = ["ignore", "ignore", "pipe"] as const;
  const child = Bun.spawn([LAUNCHER, "gateway", "--port=0"], {
    cwd: bench.workspace,
    env: bench.env,
    stdio: [...stdio],
  });
  const reader = (child.stderr as ReadableStream<Uint8Array>).getReader();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the gateway did not start: ${said}`);
    said += new TextDecoder().decode(value);
    const url = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
    if (url === undefined) continue;
    reader.releaseLock();
    return { url, process: child };
  }
}

/** `access`: options of the profile `app`; `env`: of every home. */
export async function startReplicas(
  count: number,
  access: readonly string[] = [],
  { script = () => say("hi"), env = {} }: { script?: Script; env?: Record<string, string> } = {},
): Promise<Replicas> {
  const redis = await startRedis();
  const upstream = await startUpstream(script);
  const benches = Array.from({ length: count }, () => makeBench());
  for (const bench of benches) Object.assign(bench.env, { BROKE_STATE: redis.url }, env);
  const broke = async (at: number, ...words: string[]) => {
    const ran = await benches[at]!.broke(words);
    if (ran.code !== 0) throw new Error(`${words.join(" ")}: ${ran.stderr}`);
    return ran;
  };
  const price = ["--price-input=1000", "--price-output=1000"];
  await broke(0, "backend", "add", "up", "--base-url", upstream.url, "--dialect=anthropic", "--model=m", ...price);
  await broke(0, "swap", "all=up");
  await broke(0, "team", "save", "t");
  await broke(0, "profile", "new", "app", "t", ...access);
  const { token } = JSON.parse((await broke(0, "connect", "--profile=app", "--json")).stdout) as { token: string };
  const all: Replica[] = [];
  for (const bench of benches) all.push({ bench, ...(await startGateway(bench)) });
  const ask: Replicas["ask"] = (at, { token: other = token, text = "hi" } = {}) =>
    fetch(`${all[at]!.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": other, "content-type": "application/json" },
      body: JSON.stringify({ model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: text }] }),
    });
  return {
    ...{ redis, upstream, all, token, broke, ask },
    async status(at, init) {
      const answer = await ask(at, init);
      await answer.text();
      return answer.status;
    },
    async start(at) {
      Object.assign(all[at]!, await startGateway(benches[at]!));
    },
    async [Symbol.asyncDispose]() {
      for (const { process } of all) {
        process.kill(9);
        await process.exited;
      }
      for (const bench of benches) bench[Symbol.dispose]();
      await upstream[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** The token of a home's own gateway. */
export const clientToken = ({ home }: Bench) => readFileSync(join(home, "client-token"), "utf8").trim();
