// The policy that is stored holds for every later launch; what the harness promises is tried when it is asked.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunContract } from "#harness/contract/contract.ts";
import type { HarnessStatus } from "#harness/status.ts";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

const statusOf = async (bench: Bench) =>
  JSON.parse((await bench.broke(["harness", "status", "--json"])).stdout) as HarnessStatus;

test("a policy is a known word before it is stored, and is what status says afterwards", async () => {
  using bench = makeBench();
  expect(await statusOf(bench)).toMatchObject({ policy: "off", from: "default", runs: { total: 0, last: null } });
  expect(await bench.broke(["harness", "set", "strict"])).toEqual({
    code: 2,
    stdout: "",
    stderr: "broke: policy: not one of its words\nbroke: use one of: off, throughput, balanced, high_assurance\n",
  });
  expect(await statusOf(bench)).toMatchObject({ policy: "off", from: "default" });
  expect(await bench.broke(["harness", "set", "high_assurance"])).toEqual({
    ...{ code: 0, stdout: "high_assurance\n", stderr: "" },
  });
  const told = await statusOf(bench);
  expect(told).toMatchObject({ policy: "high_assurance", from: "stored", retries: 1 });
  expect(told.required).toEqual(["verifier", "adversary"]);
  expect(told.runtimes.map(({ client, ready }) => [client, ready])).toEqual([
    ["claude", true],
    ["codex", true],
    ["gemini", true],
  ]);
  expect((await bench.broke(["harness"])).stdout).toStartWith("policy high_assurance (stored), sandbox strict\n");
  writeFileSync(join(bench.home, "broke.toml"), `[harness]\npolicy = "balanced"`, { mode: 0o600 });
  expect(await statusOf(bench)).toMatchObject({ policy: "balanced", from: "broke.toml" });
});

test("plain launches are held to it; what the operator says for one run counts more", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say("Done."));
  await bench.answerFrom(upstream.url);
  await bench.broke(["harness", "set", "balanced"]);
  const plain = await bench.broke(["claude", "-p", "Do it."]);
  const contract = JSON.parse(
    readFileSync(join(bench.home, "runs", runIdOf(plain), "contract.json"), "utf8"),
  ) as RunContract;
  expect([plain.stdout, plain.code, contract.policy, contract.mode]).toEqual(["Done.\n", 10, "balanced", "copy"]);
  expect(plain.stderr).toContain("the client reports success, and nothing was changed");
  const run = ["harness", "run", "--client", "exec", "--policy", "off", "--", "true"];
  expect((await bench.broke(run)).code).toBe(0);
  const sandboxed = await bench.broke(["sandbox", "run", "--", "touch", "made"]);
  expect([sandboxed.code, readdirSync(bench.workspace)]).toEqual([0, ["made"]]);
  expect(await statusOf(bench)).toMatchObject({ runs: { total: 3, going: [], last: { client: "exec" } } });
});

test("the checklist tries each promise", async () => {
  using bench = makeBench();
  const ran = await bench.broke(["harness", "checklist", "--json"]);
  const told = JSON.parse(ran.stdout) as { holding: number; total: number; items: { id: string; status: string }[] };
  expect([ran.code, told.holding, told.total]).toEqual([0, 9, 9]);
  expect(told.items.map(({ id, status }) => `${id} ${status}`)).toEqual(
    [
      "ledger",
      "verdicts",
      "reviewers",
      "doctrines",
      "quoting",
      "redaction",
      "confinement",
      "governor",
      "verification",
    ].map((id) => `${id} ok`),
  );
  expect(readdirSync(join(bench.home, "runs"))).toEqual([]);
});
