// `broke acp-server` at the end of its input: what was asked before it is answered, whatever the last line lacks; a turn is ended.

import { expect, test } from "bun:test";
import { operatorLine } from "#src/cli/acp.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task } from "#test/support/upstream/script.ts";

type Answer = { id: unknown; result?: Record<string, unknown> };
const line = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: "2.0", id, method, params });
const hello = line(1, "initialize", { protocolVersion: 1 });

async function answersTo(bench: Bench, input: string): Promise<Answer[]> {
  const server = Bun.spawn([LAUNCHER, "acp-server"], {
    ...{ cwd: bench.workspace, env: bench.env, stdin: new Blob([input]), stdout: "pipe", stderr: "pipe" },
  });
  const said = await new Response(server.stdout).text();
  expect(await server.exited).toBe(0);
  return said
    .trim()
    .split("\n")
    .map((each) => JSON.parse(each) as Answer)
    .filter(({ id }) => id !== undefined);
}

test.each([
  ["a line", `${hello}\n`],
  ["one without its end", hello],
])("%s before the end of input is answered", async (_, input) => {
  using bench = makeBench();
  expect(await answersTo(bench, input)).toMatchObject([{ id: 1, result: { protocolVersion: 1 } }]);
});

test("many lines are answered, each", async () => {
  using bench = makeBench();
  const asked = [
    ...[hello, line(2, "session/new", { cwd: bench.workspace, mcpServers: [] })],
    ...[line(3, "session/list", {}), line(4, "_vendor/x", {})],
  ];
  const answers = await answersTo(bench, asked.join("\n"));
  expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4]);
});

test("a turn that goes on is not waited for", async () => {
  using bench = makeBench();
  const gate = Promise.withResolvers<void>();
  await using upstream = await startUpstream(task([{ ...say("One two."), gate: gate.promise }]));
  await bench.answerFrom(upstream.url);
  const [, made] = await answersTo(
    bench,
    [hello, line(2, "session/new", { cwd: bench.workspace, mcpServers: [] })].join("\n"),
  );
  const sessionId = String(made?.result?.["sessionId"]);
  const resume = line(2, "session/resume", { sessionId, cwd: bench.workspace, mcpServers: [] });
  const prompt = line(3, "session/prompt", { sessionId, prompt: [{ type: "text", text: "Count." }] });
  const began = performance.now();
  expect((await answersTo(bench, [hello, resume, prompt].join("\n"))).map(({ id }) => id)).toEqual([1, 2]);
  expect(performance.now() - began).toBeLessThan(5000);
  gate.resolve();
}, 60_000);

test("what the operator is told is cut after secrets are taken out", () => {
  const secret = "supersecretvalue1234";
  const told = operatorLine(makeRedactor([secret]), `${"x".repeat(1010)}${secret} tail`);
  expect([told.includes("supers"), Buffer.byteLength(told) <= 1024]).toEqual([false, true]);
});
