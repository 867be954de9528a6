// What our own code costs for one small request, without sockets: the app answers requests made in this process, and the provider's answer is made on
// the spot. Beside it the same without us. The least of many short runs counts, so that what else the machine does hardly shows.
// Usage: bun test/bench/relay.ts

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { tcpApp } from "#src/gateway/tcp-app.ts";
import { addBackend } from "#src/routing/edit.ts";

const RUNS = 60;
const REQUESTS = 300;
const WARM_UP = 15_000;
const TOKEN = "token-of-the-bench";

const text = "The answer is forty-two, which is what was asked for. ".repeat(16);
const answers = {
  anthropic: JSON.stringify({
    ...{ id: "msg_1", type: "message", role: "assistant", model: "m", content: [{ type: "text", text }] },
    ...{ stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 100, output_tokens: 20 } },
  }),
  "openai-chat": JSON.stringify({
    ...{ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m" },
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  }),
};
const body = JSON.stringify({
  model: "sonnet",
  max_tokens: 64,
  messages: [{ role: "user", content: "Six times seven?" }],
});

const request = () =>
  new Request("http://127.0.0.1:4000/v1/messages", {
    method: "POST",
    body,
    headers: {
      host: "127.0.0.1:4000",
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      "content-length": String(body.length),
    },
  });
const provide = (answer: string) =>
  (async () =>
    new Response(answer, {
      headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(answer)) },
    })) as unknown as typeof fetch;

async function repeat(one: () => Promise<unknown>, count: number): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < count; index++) {
    await one();
    // A server's requests come over several turns of the event loop.
    if (index % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return ((performance.now() - started) * 1000) / count;
}

async function least(one: () => Promise<unknown>): Promise<number> {
  await repeat(one, WARM_UP);
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) best = Math.min(best, await repeat(one, REQUESTS));
  return best;
}

async function bare(): Promise<void> {
  const asked = request();
  await asked.arrayBuffer();
  const answer = await fetch("http://127.0.0.1:9/");
  new Response(await answer.arrayBuffer());
}

const row = (name: string, us: number) => process.stdout.write(`${name.padEnd(34)}${us.toFixed(1).padStart(7)} µs\n`);

for (const dialect of ["anthropic", "openai-chat"] as const) {
  const home = mkdtempSync(join(tmpdir(), "broke-bench-"));
  const state = openState({ BROKE_HOME: home, BENCH_KEY: "key-of-the-bench" });
  state.generations.commit("bench", (routing) => ({
    ...addBackend(routing, {
      ...{
        label: "only",
        provider: null,
        baseUrl: "http://127.0.0.1:9",
        dialect,
        model: "m",
        keyEnv: "BENCH_KEY",
        price: null,
      },
    }),
    slots: { sonnet: "only" },
  }));
  const app = tcpApp({ ...gatewayDeps(state), onReport: () => {} }, () => TOKEN, "0.0.0");
  globalThis.fetch = provide(answers[dialect]);
  if (dialect === "anthropic") row("the same without us", await least(bare));
  row(`through us to ${dialect}`, await least(async () => (await app.fetch(request())).status));
  rmSync(home, { recursive: true, force: true });
}
