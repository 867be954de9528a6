// `broke harness evaluate`: what is typed in is judged by the same algebra and marked as typed; a verdict is used again only where everything that decides
// is the same; a run is judged once more on what it was judged by.

import { describe, expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

type Told = {
  verdict: string;
  source: string;
  categories: string[];
  reasons: string[];
  artifacts: { kind: string; present: boolean; sha256: string }[];
  inference_hashes: string[];
  evidence_contract_version: number;
  checkpoint_evidence_hash: string;
  degraded_roles: string[];
  reused_final_verdict: boolean;
};
const evaluate = async (bench: Bench, ...words: string[]): Promise<Told> =>
  JSON.parse((await bench.broke(["harness", "evaluate", ...words, "--json"])).stdout) as Told;
const EVIDENCE = ["--task", "t", "--diff", "d", "--tests", "2 passed", "--commands", "make test"];

describe("typed in", () => {
  test("six observations and an inference, marked as what they are", async () => {
    using bench = makeBench();
    const told = await evaluate(bench, ...EVIDENCE, "--worker", "ACCEPT", "--verifier", "ACCEPT");
    expect(told).toMatchObject({ verdict: "ACCEPT_WITH_WARNINGS", source: "manual", evidence_contract_version: 2 });
    expect(told.artifacts.map(({ kind, present }) => [kind, present])).toEqual([
      ...[
        ["task", true],
        ["diff", true],
        ["tests", true],
        ["commands", true],
      ],
      ...[
        ["policy_events", false],
        ["retry_summary", false],
      ],
    ] as never);
    expect([told.inference_hashes.length, new Set(told.artifacts.map(({ sha256 }) => sha256)).size]).toEqual([1, 6]);
  });

  const cases: [string, string[], string, string][] = [
    [
      "a failed test and a verifier that wants more",
      ["--finding=correctness", "--verifier", "RETRY_BROAD"],
      "RETRY_BROAD",
      "correctness",
    ],
    ["integrity under any policy", ["--finding=integrity", "--policy", "off"], "BLOCK", "integrity"],
    [
      "a diff without tests is too little where evidence counts",
      ["--diff", "d", "--policy", "high_assurance"],
      "RETRY_NARROW",
      "evidence",
    ],
    [
      "a verifier that is not well",
      ["--verifier", "ACCEPT", "--verifier-health", "degraded"],
      "RETRY_NARROW",
      "review_degraded",
    ],
    ["and none at all", [], "RETRY_NARROW", "review_degraded"],
    [
      "many events of the policy and no test",
      ["--policy-events", "a\nb\nc", "--verifier", "ACCEPT"],
      "RETRY_NARROW",
      "verification",
    ],
    [
      "everything typed as well as can be is never enough where assurance is high",
      [
        ...EVIDENCE,
        "--policy",
        "high_assurance",
        "--worker",
        "ACCEPT",
        "--verifier",
        "ACCEPT",
        "--adversary",
        "ACCEPT",
      ],
      "RETRY_NARROW",
      "evidence",
    ],
  ];
  test.each(cases)("%s", async (_name, words, verdict, category) => {
    using bench = makeBench();
    const told = await evaluate(bench, ...words);
    expect([told.verdict, told.categories.includes(category)]).toEqual([verdict, true]);
  });

  test.each([
    [["--verifier", "LGTM"], 2],
    [["--verifier-health", "well"], 2],
    [["--risk", "none"], 2],
    [["--nonsense", "x"], 2],
    [["run_1795747642_00000000"], 3],
    [["run_1795747642_00000000", "--diff", "d"], 2],
  ] as [string[], number][])("%p is refused", async (words, code) => {
    using bench = makeBench();
    const ran = await bench.broke(["harness", "evaluate", ...words]);
    expect([ran.code, ran.stdout]).toEqual([code, ""]);
  });
});

test("the same evidence again, without roles: used again where everything that decides is the same, and only there", async () => {
  using bench = makeBench();
  const first = await evaluate(bench, ...EVIDENCE, "--verifier", "ACCEPT");
  const again = await evaluate(bench, ...EVIDENCE);
  expect([first, again].map((told) => [told.verdict, told.reused_final_verdict])).toEqual([
    ["ACCEPT_WITH_WARNINGS", false],
    ["ACCEPT_WITH_WARNINGS", true],
  ]);
  const others = [
    ["--policy", "high_assurance"],
    ["--risk", "security"],
    ["--retries", "1"],
    ["--finding=quality"],
    ["--verifier-health", "failed"],
    ["--checkpoint-kind", "other"],
  ];
  for (const more of others)
    expect([more, (await evaluate(bench, ...EVIDENCE, ...more)).reused_final_verdict]).toEqual([more, false]);
  expect((await evaluate(bench, ...EVIDENCE.with(3, "another"))).reused_final_verdict).toBe(false);
});

test("a run: on what it was judged by, with what is typed beside it; not once its ledger was written to", async () => {
  using bench = makeBench();
  const ran = await bench.broke([
    "harness",
    "run",
    "--client",
    "exec",
    "--policy",
    "throughput",
    "--verify",
    "false",
    "--retries",
    "0",
    "--",
    "touch",
    "made",
  ]);
  const id = runIdOf(ran);
  expect(await evaluate(bench, id)).toMatchObject({ verdict: "ESCALATE", source: "run", categories: ["correctness"] });
  expect(await evaluate(bench, id, "--policy", "off")).toMatchObject({
    verdict: "ACCEPT_WITH_WARNINGS",
    source: "run",
  });
  expect(await evaluate(bench, id, "--verifier", "BLOCK", "--worker", "ACCEPT")).toMatchObject({
    ...{
      verdict: "ESCALATE",
      source: "run, manual",
      categories: expect.arrayContaining(["correctness", "verification"]),
    },
  });
  appendFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "{}\n");
  expect((await bench.broke(["harness", "evaluate", id])).code).toBe(4);
});
