// From what the supervisor saw to the verdict and the exit code.

import { describe, expect, test } from "bun:test";
import { decideVerdict, exitOf, type Observed } from "#harness/verdict/observed.ts";
import { verdicts } from "#harness/verdict/words.ts";

const exited = (code: number, signal: number | null = null): Observed["end"] => ({ kind: "exited", code, signal });
const unobserved = (reason: string): Observed["end"] => ({ kind: "unobserved", reason });
const limited = (code: number | null): Observed["end"] => ({
  ...{ kind: "limited", code, reached: { which: "memory", value: 9 * 1024 ** 3, limit: 8 * 1024 ** 3 } },
});
const observed = (end: Observed["end"], warnings: string[] = [], inventoryComplete = true): Observed => ({
  end,
  warnings,
  inventoryComplete,
});

const PARTIAL = "the workspace has more entries than were compared";
const cases: [string, Observed, string, string[], number, string][] = [
  ["all well", observed(exited(0)), "ACCEPT", ["the client exited with 0 and every control held"], 0, "client"],
  ["a weak control", observed(exited(0), ["no limit"]), "ACCEPT_WITH_WARNINGS", ["no limit"], 0, "client"],
  ["an inventory cut short", observed(exited(0), [], false), "ACCEPT_WITH_WARNINGS", [PARTIAL], 0, "client"],
  ["both, in order", observed(exited(0), ["a", "b"], false), "ACCEPT_WITH_WARNINGS", ["a", "b", PARTIAL], 0, "client"],
  ["the client failed", observed(exited(3)), "RETRY_NARROW", ["the client exited with 3"], 3, "client"],
  [
    "it failed, with warnings",
    observed(exited(1), ["a"], false),
    "RETRY_NARROW",
    ["the client exited with 1", "a", PARTIAL],
    1,
    "client",
  ],
  ["a signal", observed(exited(143, 15)), "RETRY_NARROW", ["the client was ended by signal 15"], 143, "client"],
  ["a signal and 0", observed(exited(0, 13)), "RETRY_NARROW", ["the client was ended by signal 13"], 10, "verdict"],
  ["its code is one of ours", observed(exited(13)), "RETRY_NARROW", ["the client exited with 13"], 13, "client"],
  [
    "nobody saw it end",
    observed(unobserved("the observer died")),
    "BLOCK",
    ["unobserved: the observer died"],
    5,
    "broke",
  ],
  [
    "a limit ended it",
    observed(limited(null), ["a"], false),
    "RETRY_NARROW",
    ["the run reached its limit: memory 8 GiB", "a", PARTIAL],
    10,
    "verdict",
  ],
  [
    "a limit ended it, and the client said so itself",
    observed(limited(9)),
    "RETRY_NARROW",
    ["the run reached its limit: memory 8 GiB"],
    9,
    "client",
  ],
  [
    "nobody saw it, with warnings",
    observed(unobserved("x"), ["a"], false),
    "BLOCK",
    ["unobserved: x", "a", PARTIAL],
    5,
    "broke",
  ],
];

for (const [name, given, verdict, reasons, code, source] of cases) {
  test(name, () => {
    const before = structuredClone(given);
    const decided = decideVerdict(given);
    const said = { verdict: decided.verdict, reasons: decided.reasons };
    expect({ decided: said, exit: exitOf(given, decided.verdict) } as object).toEqual({
      decided: { verdict, reasons },
      exit: { code, source },
    });
    expect(given).toEqual(before);
  });
}

test("what the findings are about is said too, and a stricter policy is stricter about them", () => {
  const given = observed(exited(0), ["weak"], false);
  const strict = { policy: "high_assurance", risk: "normal", retries: 0 } as const;
  expect([decideVerdict(given).categories, decideVerdict(given, strict).verdict]).toEqual([
    ["boundary", "evidence"],
    "RETRY_NARROW", // two reviewers are missing
  ]);
});

describe("the exit code of each verdict", () => {
  const table = { ACCEPT: 0, ACCEPT_WITH_WARNINGS: 0, RETRY_NARROW: 10, RETRY_BROAD: 11, ESCALATE: 12, BLOCK: 13 };

  test("when the client exited with 0", () => {
    expect(Object.fromEntries(verdicts.map((verdict) => [verdict, exitOf(observed(exited(0)), verdict)]))).toEqual(
      Object.fromEntries(
        Object.entries(table).map(([verdict, code]) => [verdict, { code, source: code === 0 ? "client" : "verdict" }]),
      ) as Record<string, ReturnType<typeof exitOf>>,
    );
  });

  test("the client's own code goes first, and nobody's word counts for a run nobody saw", () => {
    for (const verdict of verdicts) {
      expect([exitOf(observed(exited(7)), verdict), exitOf(observed(unobserved("x")), verdict)]).toEqual([
        { code: 7, source: "client" },
        { code: 5, source: "broke" },
      ]);
    }
  });
});
