// The verdict algebra: what each finding and opinion is worth, and that nothing which is added or gets worse ever makes a verdict softer.

import { describe, expect, test } from "bun:test";
import { categories, type Category, type Finding } from "#harness/verdict/categories.ts";
import { decide, type Judged, type Opinion, type Role } from "#harness/verdict/decide.ts";
import { policies, policyNames, risks, wordFor } from "#harness/verdict/policies.ts";
import { atLeast, harder, type VerdictWord, verdicts } from "#harness/verdict/words.ts";
import { seeded } from "#test/support/random.ts";

const given = (verdict: VerdictWord, changes: Partial<Extract<Opinion, { state: "given" }>> = {}): Opinion => ({
  ...{ state: "given", verdict, health: "healthy", source: "review" },
  ...changes,
});
const finding = (category: Category, changes: Partial<Finding> = {}): Finding => ({
  ...{ category, grade: "finding", reason: category, source: "observation" },
  ...changes,
});
const judged = (changes: Partial<Judged> = {}): Judged => ({
  ...{ policy: "balanced", risk: "normal", retries: 0, findings: [], roles: { verifier: given("ACCEPT") } },
  ...changes,
});
const wordOf = (changes: Partial<Judged>) => decide(judged(changes)).verdict;

describe("the table", () => {
  test("each category alone, under each policy", () => {
    const table = Object.fromEntries(
      categories.map((category) => [category, policyNames.map((policy) => wordFor(category, policy)).join(" ")]),
    );
    expect(table).toEqual({
      integrity: "BLOCK BLOCK BLOCK BLOCK",
      boundary: "ACCEPT_WITH_WARNINGS BLOCK BLOCK BLOCK",
      fabrication: "ACCEPT_WITH_WARNINGS BLOCK BLOCK BLOCK",
      correctness: "ACCEPT_WITH_WARNINGS RETRY_NARROW RETRY_NARROW RETRY_NARROW",
      verification: "ACCEPT_WITH_WARNINGS RETRY_NARROW RETRY_NARROW BLOCK",
      suspicious_tests: "ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS RETRY_NARROW RETRY_NARROW",
      evidence: "ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS RETRY_NARROW",
      quality: "ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS RETRY_NARROW",
      review_degraded: "ACCEPT_WITH_WARNINGS RETRY_NARROW RETRY_NARROW RETRY_NARROW",
      unattributed_mutation: "ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS RETRY_NARROW BLOCK",
      no_effect: "ACCEPT_WITH_WARNINGS RETRY_NARROW RETRY_NARROW RETRY_NARROW",
      unobserved: "BLOCK BLOCK BLOCK BLOCK",
      unprotected_ledger: "ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS ACCEPT_WITH_WARNINGS ESCALATE",
      runtime_failure: "RETRY_NARROW RETRY_NARROW RETRY_NARROW RETRY_NARROW",
      authority_expansion_denied: "BLOCK BLOCK BLOCK BLOCK",
      budget_exceeded: "RETRY_NARROW RETRY_NARROW RETRY_NARROW ESCALATE",
    });
  });

  test("a stricter policy is nowhere softer, and no category is worth nothing", () => {
    for (const category of categories) {
      const words = policyNames.map((policy) => wordFor(category, policy));
      for (const [index, word] of words.entries()) {
        expect(atLeast(word, words[Math.max(0, index - 1)]!)).toBe(true);
        expect(word).not.toBe("ACCEPT");
      }
    }
  });
});

const worker = (verdict: VerdictWord) => ({ worker: given(verdict), verifier: given("ACCEPT") });
const cases: [string, Partial<Judged>, VerdictWord][] = [
  ["nothing found, the verifier content", {}, "ACCEPT"],
  ["nothing found, nobody asked who must be", { roles: {} }, "RETRY_NARROW"],
  ["nothing found, nobody asked, and nobody must be", { policy: "throughput", roles: {} }, "ACCEPT"],
  ["the strictest policy with no evidence and no review", { policy: "high_assurance", roles: {} }, "RETRY_NARROW"],
  ["a note", { findings: [finding("integrity", { grade: "note" })] }, "ACCEPT_WITH_WARNINGS"],
  ["a failed test", { findings: [finding("correctness")] }, "RETRY_NARROW"],
  ["the same where the risk is grave", { risk: "security", findings: [finding("correctness")] }, "RETRY_BROAD"],
  ["critical is grave", { risk: "critical", findings: [finding("correctness")] }, "RETRY_BROAD"],
  ["the same again, sent back often enough", { retries: 2, findings: [finding("correctness")] }, "ESCALATE"],
  ["and before that", { retries: 1, findings: [finding("correctness")] }, "RETRY_NARROW"],
  [
    "never asked about under off",
    { policy: "off", retries: 99, findings: [finding("runtime_failure")] },
    "RETRY_NARROW",
  ],
  ["what is worse counts", { findings: [finding("quality"), finding("boundary"), finding("correctness")] }, "BLOCK"],
  ["a verifier who sends back", { roles: { verifier: given("RETRY_NARROW") } }, "RETRY_NARROW"],
  ["a verifier who blocks asks the operator", { roles: { verifier: given("BLOCK") } }, "ESCALATE"],
  [
    "and blocks where verification must hold",
    { policy: "high_assurance", roles: { verifier: given("BLOCK"), adversary: given("ACCEPT") } },
    "BLOCK",
  ],
  ["an adversary who found a fraud", { roles: { verifier: given("ACCEPT"), adversary: given("ESCALATE") } }, "BLOCK"],
  [
    "an adversary with a doubt",
    { roles: { verifier: given("ACCEPT"), adversary: given("RETRY_BROAD") } },
    "RETRY_BROAD",
  ],
  ["a worker who gives itself up", { roles: worker("BLOCK") }, "BLOCK"],
  ["a worker who wants another turn", { roles: worker("RETRY_NARROW") }, "RETRY_NARROW"],
  [
    "a worker's praise of itself is worth nothing",
    { findings: [finding("correctness")], roles: worker("ACCEPT") },
    "RETRY_NARROW",
  ],
  ["a reviewer's praise takes nothing away", { findings: [finding("boundary")] }, "BLOCK"],
  [
    "opinions under off are told, and nobody is sent back",
    { policy: "off", roles: { verifier: given("BLOCK") } },
    "ACCEPT_WITH_WARNINGS",
  ],
  ["a verifier that failed", { roles: { verifier: given("ACCEPT", { health: "failed" }) } }, "RETRY_NARROW"],
  [
    "what was typed in is not enough where evidence counts",
    {
      policy: "high_assurance",
      roles: { verifier: given("ACCEPT", { source: "manual" }), adversary: given("ACCEPT", { source: "manual" }) },
    },
    "RETRY_NARROW",
  ],
];
describe("what it comes to", () => {
  for (const [name, changes, verdict] of cases) test(name, () => expect(wordOf(changes)).toBe(verdict));
});

test("the hardest reasons come first, each once, with who gave them", () => {
  const {
    verdict,
    categories: found,
    reasons,
    contributions,
  } = decide(
    judged({
      findings: [
        finding("quality"),
        finding("correctness", { reason: "2 of 9 tests fail" }),
        finding("correctness", { reason: "2 of 9 tests fail" }),
      ],
      roles: { verifier: given("RETRY_BROAD", { reason: "the fix is a special case" }) },
    }),
  );
  expect({ verdict, found, reasons, first: contributions[0] }).toEqual({
    verdict: "RETRY_BROAD",
    found: ["verification", "correctness", "quality"],
    reasons: ["the fix is a special case", "2 of 9 tests fail", "quality"],
    first: { from: "verifier", category: "verification", word: "RETRY_BROAD", reason: "the fix is a special case" },
  });
});

describe("properties", () => {
  const random = seeded(20_261_126);
  const { pick } = random;
  const opinion = (): Opinion =>
    random.chance(0.2)
      ? { state: "absent" }
      : given(pick(verdicts), { health: pick(["healthy", "degraded", "failed"]), source: pick(["review", "manual"]) });
  const roleNames: Role[] = ["worker", "verifier", "adversary"];
  const some = (): Judged => ({
    policy: pick(policyNames),
    risk: pick(risks),
    retries: random.below(4),
    findings: Array.from({ length: random.below(4) }, () =>
      finding(pick(categories), {
        grade: pick(["note", "finding"]),
        source: pick(["observation", "review", "manual"]),
      }),
    ),
    roles: Object.fromEntries(roleNames.filter(() => random.chance(0.6)).map((role) => [role, opinion()])),
  });
  const worsened = (opinion: Opinion): Opinion => {
    if (opinion.state === "absent") return opinion;
    const worse = verdicts.slice(verdicts.indexOf(opinion.verdict));
    const health = opinion.health === "healthy" ? pick(["healthy", "degraded", "failed"] as const) : opinion.health;
    return { ...opinion, verdict: pick(worse), health };
  };

  for (const [name, change] of [
    ["one finding more", (from) => ({ ...from, findings: [...from.findings, finding(pick(categories))] })],
    [
      "a note that becomes a finding",
      (from) => ({ ...from, findings: from.findings.map((each) => ({ ...each, grade: "finding" as const })) }),
    ],
    ["a stricter policy", (from) => ({ ...from, policy: pick(policyNames.slice(policyNames.indexOf(from.policy))) })],
    ["a graver risk", (from) => ({ ...from, risk: "security" as const })],
    ["another retry", (from) => ({ ...from, retries: from.retries + 1 })],
    [
      "opinions that get worse",
      (from) => ({
        ...from,
        roles: Object.fromEntries(Object.entries(from.roles).map(([role, each]) => [role, worsened(each)])),
      }),
    ],
    [
      "a role that is degraded",
      (from) => ({
        ...from,
        roles: Object.fromEntries(
          Object.entries(from.roles).map(([role, each]) => [
            role,
            each.state === "given" ? { ...each, health: "degraded" as const } : each,
          ]),
        ),
      }),
    ],
  ] as [string, (from: Judged) => Judged][]) {
    test(`${name} never makes it softer`, () => {
      for (let round = 0; round < 2_000; round++) {
        const from = some();
        const to = change(from);
        const [before, after] = [decide(from).verdict, decide(to).verdict];
        if (!atLeast(after, before)) throw new Error(`${before} → ${after}: ${JSON.stringify({ from, to })}`);
      }
    });
  }

  test("an absent role is at least as strict as a degraded one that is content", () => {
    for (let round = 0; round < 2_000; round++) {
      const from = some();
      for (const role of ["verifier", "adversary"] as const) {
        const absent = decide({ ...from, roles: { ...from.roles, [role]: { state: "absent" } } }).verdict;
        const degraded = decide({
          ...from,
          roles: { ...from.roles, [role]: given("ACCEPT", { health: "degraded" }) },
        }).verdict;
        expect(atLeast(absent, degraded)).toBe(true);
      }
    }
  });

  test("a verifier's BLOCK is never softer than RETRY_BROAD where opinions count", () => {
    for (let round = 0; round < 2_000; round++) {
      const from = some();
      if (from.policy === "off") continue;
      expect(
        atLeast(decide({ ...from, roles: { ...from.roles, verifier: given("BLOCK") } }).verdict, "RETRY_BROAD"),
      ).toBe(true);
    }
  });

  test("no opinion softens what was observed", () => {
    for (let round = 0; round < 2_000; round++) {
      const from = some();
      const alone = decide({ ...from, roles: {}, findings: from.findings }).contributions.filter(
        ({ from: who }) => who === "observation",
      );
      const floor = alone.reduce<VerdictWord>((word, each) => harder(word, each.word), "ACCEPT");
      const praised = decide({
        ...from,
        roles: Object.fromEntries(roleNames.map((role) => [role, given("ACCEPT")])),
      }).verdict;
      expect(atLeast(praised, floor)).toBe(true);
    }
  });

  test("it is a function: the order of findings changes nothing but the order of equals", () => {
    for (let round = 0; round < 500; round++) {
      const from = some();
      expect(decide({ ...from, findings: from.findings.toReversed() }).verdict).toBe(decide(from).verdict);
    }
  });
});

test("retries end in a question to the operator, under every policy that sends anybody back", () => {
  for (const policy of policyNames) {
    const { retries } = policies[policy];
    if (retries === Infinity) continue;
    expect(wordOf({ policy, retries, findings: [finding("runtime_failure")] })).toBe("ESCALATE");
  }
});
