// `broke harness explain-verdict` prints the very table the harness decides by, and what given findings come to.

import { expect, test } from "bun:test";
import { categories, meanings } from "#harness/verdict/categories.ts";
import { policyNames, wordFor } from "#harness/verdict/policies.ts";
import { makeBench } from "#test/support/broke.ts";

const ask = async (...words: string[]) => {
  using bench = makeBench();
  return await bench.broke(["harness", "explain-verdict", ...words]);
};

test("the table, in words and as JSON", async () => {
  const told = JSON.parse((await ask("--json")).stdout) as { categories: Record<string, Record<string, string>> };
  expect(told.categories).toEqual(
    Object.fromEntries(
      categories.map((category) => [
        category,
        {
          meaning: meanings[category],
          ...Object.fromEntries(policyNames.map((policy) => [policy, wordFor(category, policy)])),
        },
      ]),
    ),
  );
  const text = (await ask()).stdout;
  for (const category of categories) expect(text).toContain(`\n${category} `);
  expect(text).toContain("\n  high_assurance: 1 retries; verifier and adversary required\n");
});

test("what some findings and opinions come to", async () => {
  const ran = await ask("--finding=correctness,quality:note", "--verifier", "RETRY_BROAD", "--policy", "balanced");
  expect(ran).toEqual({
    code: 0,
    stdout: [
      "RETRY_BROAD",
      "RETRY_BROAD           verifier  verification  the verifier says RETRY_BROAD",
      "RETRY_NARROW          manual    correctness   correctness",
      "ACCEPT_WITH_WARNINGS  manual    quality       quality",
      "",
    ].join("\n"),
    stderr: "",
  });
});

for (const [name, words, stderr] of [
  [
    "a category nobody knows",
    ["--finding=corectness"],
    "broke: --finding: not one of its words\nbroke: did you mean correctness?\n",
  ],
  [
    "a verdict nobody knows",
    ["--verifier=MAYBE"],
    "broke: --verifier: not one of its words\nbroke: use one of: ACCEPT, ACCEPT_WITH_WARNINGS, RETRY_NARROW, RETRY_BROAD, ESCALATE, BLOCK\n",
  ],
  [
    "a policy nobody knows",
    ["--finding=quality", "--policy=strict"],
    "broke: --policy: not one of its words\nbroke: use one of: off, throughput, balanced, high_assurance\n",
  ],
  [
    "a number that is none",
    ["--finding=quality", "--retries=-1"],
    "broke: --retries: a number from 0 to 1000\nbroke: add --help to see how it is called\n",
  ],
] as [string, string[], string][]) {
  test(`${name} is a usage error`, async () => {
    const ran = await ask(...words);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: "" });
    expect(ran.stderr.split("\n")[0]).toBe(stderr.split("\n")[0]!);
    if (!stderr.includes("--help")) expect(ran.stderr).toBe(stderr);
  });
}
