// Layers: what comes later counts; what tightens never loosens, whatever it says.

import { expect, test } from "bun:test";
import { changeFindings, meansPath } from "#harness/contract/change-rules.ts";
import { type Bounds, boundsOf, isAsStrict, layOn, termsOf, tighten } from "#harness/contract/layers.ts";
import { noTerms } from "#harness/contract/terms.ts";
import type { Change } from "#harness/inventory.ts";
import { policyNames, reviewers, risks } from "#harness/verdict/policies.ts";
import { decide } from "#harness/verdict/decide.ts";
import { seeded } from "#test/support/random.ts";

test("the later layer counts, key by key", () => {
  const under = { policy: "high_assurance" as const, verification: ["a"], limits: { timeoutMs: 1, processes: 2 } };
  const over = { policy: "off" as const, limits: { processes: 3 } };
  expect(layOn(under, over)).toEqual({ policy: "off", verification: ["a"], limits: { timeoutMs: 1, processes: 3 } });
});

test("a project has a say in what narrows, and in nothing else", () => {
  expect(boundsOf("p", { policy: "balanced", forbidden: ["x"] })).toEqual({
    ...{ ...noTerms, policy: "balanced", forbidden: ["x"] },
  });
  for (const layer of [{ client: "exec" }, { task: "t" }, { permissions: undefined! }, { roles: noTerms.roles }])
    expect(() => boundsOf("p", layer)).toThrow("a project may only narrow");
});

test("tightened is never looser than either", () => {
  const random = seeded(5);
  const { pick, chance } = random;
  const some = <Item>(items: readonly Item[]) => items.filter(() => chance(0.5));
  const bounds = (): Bounds => ({
    ...{ policy: pick(policyNames), risk: pick(risks), retries: pick([null, 0, 1, 2]), mustVerify: chance(0.5) },
    ...{ verification: some(["a", "b"]), forbidden: some(["x", "y"]), required: some(reviewers) },
    budget: { turns: pick([null, 1, 2]), tokens: pick([null, 1, 2]), cost: pick([null, 0.5, 1]) },
    allowed: some([["src"], ["docs", "test"]]),
  });
  for (let round = 0; round < 2_000; round++) {
    const [a, b] = [bounds(), bounds()];
    const both = tighten(a, b);
    expect([isAsStrict(both, a), isAsStrict(both, b), isAsStrict(tighten(b, a), both)]).toEqual([true, true, true]);
  }
});

const change = (path: string, kind: Change["kind"] = "file"): Change => ({
  ...{ path, kind, change: "created", size: 1, sha256: null, target: null },
});
const reasons = (changes: Change[], terms: Parameters<typeof changeFindings>[1], total = changes.length) =>
  changeFindings({ changes, more: total > changes.length }, terms).map(
    ({ category, reason }) => `${category}: ${reason}`,
  );

test("changes are held against every list of paths", () => {
  const both = { allowed: [["src", "docs/*.md"], ["src/a"]], forbidden: ["src/a/secret"] };
  expect(reasons([change("src", "dir"), change("src/a/x")], both)).toEqual([]);
  // What is in a repository is not listed.
  expect(reasons([change("b", "dir"), change("b/.git", "dir")], both)).toEqual([
    "boundary: changed what the contract forbids: b/.git",
  ]);
  expect(reasons([change("src/a/.git", "dir")], both)).toEqual([]);
  expect(reasons([change("src/b")], both)).toEqual(["boundary: changed what the contract forbids: src/b"]);
  expect(reasons([change("src/a/secret", "dir")], both)).toHaveLength(1);
  expect(reasons([change("anything")], { allowed: [], forbidden: ["other"] })).toEqual([]);
  expect(reasons([change("src/a")], { allowed: [["src"]], forbidden: [] }, 2)).toEqual([
    "boundary: more was changed than can be held against the contract's paths",
  ]);
  expect([meansPath("src/", "src/x"), meansPath("src", "srcx"), meansPath("docs/*.md", "docs/a/b.md")]).toEqual([
    ...[true, false, false],
  ]);
});

test("a retry budget and a required role bear on the verdict", () => {
  const failed = { category: "correctness", grade: "finding", reason: "r", source: "observation" } as const;
  const judged = { policy: "throughput", risk: "normal", retries: 0, findings: [failed], roles: {} } as const;
  expect([
    decide(judged).verdict,
    decide({ ...judged, retryBudget: 0 }).verdict,
    decide({ ...judged, retryBudget: null }).verdict,
    decide({ ...judged, findings: [], required: ["verifier"] }).categories,
  ]).toEqual(["RETRY_NARROW", "ESCALATE", "RETRY_NARROW", ["review_degraded"]]);
  expect(termsOf({}, null)).toEqual(noTerms);
});
