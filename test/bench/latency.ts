// What the gateway adds to one streamed request: the same request straight to the upstream, through the gateway untouched, the same with
// every limit and a budget on, and translated to OpenAI Chat, in turns, in one run. First byte and last byte. Usage: bun test/bench/latency.ts [samples]

import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";
import { figuresOf, report } from "./stats.ts";

const samples = Number(process.argv[2] ?? 400);
const WARM_UP = 50;
const tools = Array.from({ length: 24 }, (_, index) => ({
  name: `tool_${index}`,
  description: "What this tool is for and how it is used, at some length. ".repeat(40),
  input_schema: {
    type: "object",
    properties: { path: { type: "string" }, text: { type: "string" } },
    required: ["path"],
  },
}));
const body = JSON.stringify({
  model: "sonnet",
  max_tokens: 4096,
  stream: true,
  tools,
  messages: [{ role: "user", content: "hello ".repeat(4000) }],
});

await using upstream = await startUpstream(() => ({ ...say("word ".repeat(100)), pieces: 100 }));
await using pass = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
await using chat = await startGateway([{ dialect: "openai-chat", url: `${upstream.url}/v1` }]);
await using limited = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
const MANY = 1_000_000_000;
limited.edit((routing) => ({
  ...routing,
  // Every limit and a budget, none of which is reached; what has no price is charged as said.
  access: { slots: null, rpm: MANY, tpm: MANY, concurrency: 10_000, dailyUsd: 1_000_000, unpricedUsd: 0.001 },
}));

async function ask(url: string): Promise<{ first: number; last: number }> {
  const started = performance.now();
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": TOKEN, "content-type": "application/json" },
    body,
  });
  const reader = response.body!.getReader();
  await reader.read();
  const first = performance.now() - started;
  while (!(await reader.read()).done);
  return { first, last: performance.now() - started };
}

const ways = [
  ["straight to the upstream", upstream.url],
  ["gateway, passing through", pass.url],
  ["gateway, limits and budget on", limited.url],
  ["gateway, translating to Chat", chat.url],
] as const;
const taken = ways.map(() => ({ first: [] as number[], last: [] as number[] }));
for (let round = -WARM_UP; round < samples; round++) {
  for (const [index, [, url]] of ways.entries()) {
    const { first, last } = await ask(url);
    if (round < 0) continue;
    taken[index]!.first.push(first);
    taken[index]!.last.push(last);
  }
}
const rows = (which: "first" | "last") =>
  ways.map(([name], index) => [name, figuresOf(taken[index]![which])] as [string, ReturnType<typeof figuresOf>]);
process.stdout.write(
  `request ${(body.length / 1024).toFixed(0)} KiB, answer 100 deltas; upstream, gateway and client share this process\n\n`,
);
process.stdout.write(
  `${report("first byte of the answer", rows("first"))}\n\n${report("last byte of the answer", rows("last"))}\n`,
);
