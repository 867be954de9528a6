// What a worker may spend on models: counted as the gateway saw it, ended once, and a verdict about the budget.

import { expect, test } from "bun:test";
import { countSpending } from "#harness/spending.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const request = (inputTokens: number | null, outputTokens: number | null, status = 200) => ({
  ...{ status, inputTokens, outputTokens },
});

test("turns and tokens up to the limit are free, the first beyond ends it, once", () => {
  const spending = countSpending({ turns: 2, tokens: 100 });
  const ends: unknown[] = [];
  spending.count(request(60, 40));
  spending.count(request(null, null, 429));
  expect([spending.reached(), ends]).toEqual([undefined, []]);
  spending.count(request(0, 1));
  spending.onSpent((reached) => ends.push(reached));
  spending.count(request(50, 50));
  const reached = { which: "tokens", value: 101, limit: 100 } as const;
  expect([spending.reached(), ends]).toEqual([reached, [reached]]);
});

test("what nobody counted is a finding where tokens are limited", () => {
  const [limited, free] = [countSpending({ turns: null, tokens: 10 }), countSpending({ turns: 9, tokens: null })];
  for (const spending of [limited, free]) spending.count(request(null, 3));
  expect([limited.findings().map(({ category, reason }) => [category, reason]), free.findings()]).toEqual([
    [["evidence", "1 answers did not say how many tokens they took"]],
    [],
  ]);
});

test("a client that goes on and on is ended, and the verdict says by which budget", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say(tool("Bash", { command: "true", description: "d" })));
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke(["harness", "run", "--task", "Go on.", "--max-turns", "3", "--timeout", "50s"]);
  expect(ran.stderr).toContain("broke: the run reached its limit: turns 3\n");
  expect(ran.stderr).toContain(" RETRY_NARROW ");
  const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout) as {
    limit: unknown;
  };
  expect(shown.limit).toEqual({ which: "turns", value: 4, limit: 3 });
});
