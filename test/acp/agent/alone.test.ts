// Our own agent as a client of a run like any other: one task in words, with nobody to ask, in each sandbox.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say, task, tool } from "#test/support/upstream/script.ts";

const steps = [say("Making it.", tool("run_command", { command: "echo made > made" })), say("Made.")];

test.each([
  ["strict", ["--sandbox", "strict"]],
  ["hardened", ["--sandbox", "hardened"]],
  ["normal", ["--sandbox", "normal"]],
  ["the host's files", ["--allow-read"]],
])(
  "%s: it works, says so on standard output alone, and its model was asked through the gateway",
  async (_, sandbox) => {
    using bench = makeBench();
    await using upstream = await startUpstream(task(steps));
    await bench.answerFrom(upstream.url);
    const ran = await bench.broke(["harness", "run", ...sandbox, "--client", "agent", "--", "-p", "Make it."]);
    expect([ran.code, ran.stdout]).toEqual([0, "Making it.\nMade.\n"]);
    expect([readFileSync(join(bench.workspace, "made"), "utf8"), upstream.asked().length]).toEqual(["made\n", 2]);
  },
  60_000,
);

test("a task of the contract's is its prompt; what its model cannot answer is its end", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say("Understood."));
  await bench.answerFrom(upstream.url);
  const words = ["harness", "run", "--client", "agent", "--task", "Count to three."];
  const ran = await bench.broke([...words, "--", "--model", "opus"]);
  expect([ran.code, ran.stdout, upstream.asked()[0]!.history.at(-1)!.text]).toEqual([
    ...[0, "Understood.\n"],
    expect.stringContaining("Count to three.") as unknown as string,
  ]);
  upstream.play(() => refuse(400, "no"));
  const failed = await bench.broke(words);
  expect([failed.code === 0, failed.stdout, failed.stderr.includes("agent: status 400: no")]).toEqual([
    false,
    "",
    true,
  ]);
}, 60_000);
