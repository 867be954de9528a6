// Doctrines through the launcher: shown, resolved, and held against a run.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunContract } from "#harness/contract/contract.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

test("list, show and resolve", async () => {
  using bench = makeBench();
  const list = await bench.broke(["harness", "doctrine", "list", "--json"]);
  expect((JSON.parse(list.stdout) as { name: string }[]).map(({ name }) => name)).toContain("recovery_drift");
  expect(JSON.parse((await bench.broke(["harness", "doctrine", "show", "closure", "--json"])).stdout)).toMatchObject({
    ...{ name: "closure", version: 1, layer: "overlay", policy: "high_assurance", planning: true },
  });
  const text = (await bench.broke(["harness", "doctrine", "resolve", "implement", "closure"])).stdout;
  expect(text.split("\n").slice(0, 4)).toEqual([
    "core 1 → implement 1 → closure 1",
    "policy at least high_assurance, risk at least normal",
    "a verification command is wanted",
    "verifier and adversary must answer",
  ]);
  const refused = await bench.broke(["harness", "doctrine", "resolve", "security_review", "brownfield_strict"]);
  expect([refused.code, refused.stdout, refused.stderr.split("\n")[0]]).toEqual([
    ...[4, "", "broke: brownfield_strict would loosen risk, which security_review holds"],
  ] as never);
  expect((await bench.broke(["harness", "doctrine", "show", "implemnt"])).stderr).toContain("did you mean implement?");
});

test("a run is held to them: at least so strict, at most so often, and not more softly by an option", async () => {
  using bench = makeBench();
  const run = (...options: string[]) =>
    bench.broke(["harness", "run", "--client", "exec", "--workspace", "direct", ...options, "--", "touch", "made"]);
  const held = await run("--doctrine", "brownfield_audit", "--verify", "true");
  const contract = JSON.parse(
    readFileSync(join(bench.home, "runs", runIdOf(held), "contract.json"), "utf8"),
  ) as RunContract;
  expect(held.stderr).toContain("changed what the contract forbids: made");
  expect([held.code, contract.policy, contract.required, contract.allowed]).toEqual([
    ...[13, "balanced", ["verifier"], [["AUDIT.md", "docs/audit", ".planning"]]],
  ] as never);
  const softer = await run("--doctrine", "implement", "--policy", "off");
  expect([softer.code, softer.stderr.split("\n")[0]]).toEqual([
    ...[2, "broke: --policy off is less than balanced, which core,implement hold"],
  ] as never);
});

test("the worker is told what they say, and .planning is quoted to it", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say("Understood."));
  await bench.answerFrom(upstream.url);
  mkdirSync(join(bench.workspace, ".planning"));
  writeFileSync(join(bench.workspace, ".planning", "PROJECT.md"), "the project's aim");
  const options = [
    "--doctrine",
    "implement,execution",
    "--task",
    "Do the thing.",
    "--timeout",
    "60s",
    "--retries",
    "0",
  ];
  const ran = await bench.broke(["harness", "run", "--workspace", "direct", ...options]);
  expect([ran.stdout, ran.code]).toEqual(["Understood.\n", 12]);
  const told = upstream
    .asked()
    .flatMap(({ history }) => history.map(({ text }) => text))
    .join("\n");
  expect(told).toContain("[core 1]");
  expect(told).toContain("[implement 1]");
  expect(told).toMatch(/Do the thing\.\n\nWhat stands between <untrusted/);
  expect(told).toMatch(
    /<untrusted id="([0-9a-f]{16})" name="\.planning\/PROJECT\.md">\nthe project's aim\n<\/untrusted id="\1">/,
  );
  const ledger = readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8");
  expect(ledger.split("\n")[0]).not.toContain("Do the thing.");
});

for (const client of ["codex", "gemini"]) {
  test(`${client} is given its task in its own words`, async () => {
    using bench = makeBench();
    await using upstream = await startUpstream(() => say("Understood."));
    await bench.answerFrom(upstream.url);
    writeFileSync(join(bench.workspace, "task.md"), "--do the thing");
    const ran = await bench.broke(["harness", "run", "--client", client, "--task", "@task.md", "--timeout", "60s"]);
    expect([ran.code, ran.stdout.includes("Understood.")]).toEqual([0, true]);
    const told = upstream.asked().flatMap(({ history }) => history.map(({ text }) => text));
    expect(told.some((text) => text.includes("--do the thing"))).toBe(true);
  });
}
