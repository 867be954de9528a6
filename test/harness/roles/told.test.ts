// What was said of the work while it went on: on record, as hard as it is, and never in the place of a reviewer that the run wants.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { checkContract } from "#harness/contract/contract.ts";
import { hardest, withTold } from "#harness/roles/told.ts";
import { runHarness } from "#harness/run.ts";
import { decide, type Opinion } from "#harness/verdict/decide.ts";
import { policyNames, reviewers } from "#harness/verdict/policies.ts";
import { atLeast, type VerdictWord, verdicts } from "#harness/verdict/words.ts";
import { limitsOf } from "#sandbox/limits.ts";
import { noPermissionFlags } from "#sandbox/permission-flags.ts";
import { openState } from "#src/cli/compose.ts";
import { runDeps } from "#src/cli/launch.ts";
import { makeBench } from "#test/support/broke.ts";

const given = (verdict: VerdictWord): Opinion => ({ state: "given", verdict, health: "healthy", source: "review" });
const absent: Opinion = { state: "absent" };

test("it makes no verdict softer than without it, whatever the run's own reviewers say", () => {
  const opinions = [absent, ...verdicts.map(given)];
  for (const policy of policyNames)
    for (const role of reviewers)
      for (const asked of [{}, ...opinions.map((opinion) => ({ [role]: opinion }))])
        for (const told of opinions) {
          const word = (roles: typeof asked) =>
            decide({ policy, risk: "low", retries: 0, findings: [], roles }).verdict;
          // One that no reviewer was asked for stands in for none: a policy that wants one has asked.
          if (Object.keys(asked).length === 0 && policy !== "off") continue;
          const ok = atLeast(word(withTold(asked, { [role]: told })), word(asked));
          expect({ policy, role, asked, told, ok }).toEqual({ policy, role, asked, told, ok: true });
        }
});

test("said twice, the harder stands, and what could not be used takes nothing back", () => {
  for (const before of verdicts)
    for (const now of verdicts) {
      const word = hardest(given(before), given(now));
      expect(word).toEqual(atLeast(before, now) ? given(before) : given(now));
    }
  expect([hardest(undefined, absent), hardest(absent, given("ACCEPT")), hardest(given("BLOCK"), absent)]).toEqual([
    ...[absent, given("ACCEPT"), given("BLOCK")],
  ]);
});

test("a run that was told an opinion has it in its ledger, and in what its verdict was made of", async () => {
  using bench = makeBench();
  const state = openState(bench.env);
  const contract = checkContract({
    ...{ client: "exec", profile: "strict", home: "run", cwd: bench.workspace, args: ["true"], terminal: false },
    ...{ permissions: noPermissionFlags, limits: limitsOf("strict", {}, { memoryBytes: 4e9, terminal: true }) },
    ...{ keyNames: [], brokeHome: state.home.root, env: state.env },
  });
  const talk = async ({ stdout, stderr }: { stdout: number; stderr: number }) => {
    await Promise.all([stdout, stderr].map((fd) => new Response(Bun.file(fd).stream()).text()));
  };
  const opinions = () => ({
    verifier: { ...given("RETRY_NARROW"), reason: "it does not do what was asked" } as Opinion,
  });
  const result = await runHarness({ ...(await runDeps(state)), talk, opinions }, contract);
  const lines = readFileSync(result.ledgerFile, "utf8").trim().split("\n");
  const told = lines
    .map((line) => JSON.parse(line) as { event: string; data: object })
    .find(({ event }) => event === "role.told");
  expect(told?.data).toEqual({
    ...{ role: "verifier", state: "given", verdict: "RETRY_NARROW", reason: "it does not do what was asked" },
  });
  expect(JSON.stringify(result.verdict)).toContain("it does not do what was asked");
}, 60_000);
