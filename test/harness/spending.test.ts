// What a worker may spend on models: counted as the gateway saw it, ended once, and a verdict about the budget.

import { expect, test } from "bun:test";
import { countSpending } from "#harness/spending.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const request = (
  inputTokens: number | null,
  outputTokens: number | null,
  status = 200,
  costUsd: number | null = null,
) => ({
  ...{
    status,
    attempts: 1,
    inputTokens,
    outputTokens,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    costUsd,
    aborted: status === 499,
    begun: status === 200,
  },
});
const none = { turns: null, tokens: null, cost: null };

test("turns and tokens up to the limit are free, the first beyond ends it, once", () => {
  const spending = countSpending({ ...none, turns: 2, tokens: 100 });
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

test("of several at once no more are let through than the one that goes beyond, and none after it", () => {
  const spending = countSpending({ ...none, turns: 2 });
  const places = [1, 2, 3, 4].map(() => spending.admit());
  expect(places.map((place) => place !== undefined)).toEqual([true, true, true, false]);
  // One that got no answer is no turn: its place is another's.
  for (const _ of [1, 2]) places[0]!();
  spending.count(request(null, null, 429));
  const next = spending.admit();
  expect([next !== undefined, spending.admit()]).toEqual([true, undefined]);
  for (const place of [places[1]!, places[2]!, next!]) {
    place();
    spending.count(request(1, 1));
  }
  expect([spending.reached(), spending.admit()]).toEqual([{ which: "turns", value: 3, limit: 2 }, undefined]);
});

test("a request that was broken off was made; on and on, it is no way around a budget", () => {
  const turns = countSpending({ ...none, turns: 2 });
  for (const _ of [1, 2, 3]) turns.count(request(null, null, 499));
  turns.count({ ...request(null, null, 499), attempts: 0 });
  expect(turns.reached()).toEqual({ which: "turns", value: 3, limit: 2 });
  for (const which of ["tokens", "cost"] as const) {
    const spending = countSpending({ ...none, [which]: 5 });
    for (let at = 0; at < 8; at++) spending.count(request(null, null, 499));
    expect(spending.reached()).toBeUndefined();
    spending.count(request(null, null, 499));
    expect(spending.reached()).toEqual({ which, value: 0, limit: 5 });
  }
});

test("an answer that broke off after it had begun was made too; a count of tokens is none", () => {
  const spending = countSpending({ ...none, turns: 1, cost: 5 });
  spending.count({ ...request(null, null), begun: false });
  expect(spending.reached()).toBeUndefined();
  for (const _ of [1, 2]) spending.count({ ...request(null, null, 502), begun: true });
  expect(spending.reached()).toEqual({ which: "turns", value: 2, limit: 1 });
});

test("what nobody counted is a finding where tokens are limited", () => {
  const [limited, free] = [countSpending({ ...none, tokens: 10 }), countSpending({ ...none, turns: 9 })];
  for (const spending of [limited, free]) spending.count(request(null, 3));
  expect([limited.findings().map(({ category, reason }) => [category, reason]), free.findings()]).toEqual([
    [["evidence", "1 answers did not say how many tokens they took"]],
    [],
  ]);
});

test("tokens are all of them, the cache's too, and of an answer that was broken off", () => {
  const spending = countSpending({ ...none, turns: 2, tokens: 100 });
  spending.count({ ...request(10, 10, 499), cacheReadTokens: 40 });
  expect(spending.reached()).toBeUndefined();
  spending.count({ ...request(10, 10), cacheWriteTokens: 21 });
  expect(spending.reached()).toEqual({ which: "tokens", value: 101, limit: 100 });
});

test("money is counted where it is known, and an answer nobody can price is the last", () => {
  const [known, unknown, broken] = [0.5, 0.5, 0.5].map((cost) => countSpending({ ...none, cost }));
  for (const [costUsd, reached] of [
    [0.3, undefined],
    [0.2, undefined],
    [0.01, { which: "cost", value: 0.51, limit: 0.5 }],
  ] as const) {
    known!.count(request(1, 1, 200, costUsd));
    expect(known!.reached()).toEqual(reached as never);
  }
  unknown!.count(request(1, 1));
  broken!.count(request(null, null, 499));
  expect([unknown!.reached()?.which, broken!.reached(), known!.findings()]).toEqual(["cost", undefined, []]);
  expect([unknown!, broken!].map((each) => each.findings().map(({ category }) => category))).toEqual([
    ["evidence"],
    ["evidence"],
  ]);
});

test("a client is ended by what its answers cost, by the operator's price; without a price by the first", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say(tool("Bash", { command: "true", description: "d" })));
  const swap = async (label: string, price: string[]) => {
    const base = ["--base-url", upstream.url, "--dialect", "anthropic", "--model", "m"];
    for (const words of [
      ["backend", "add", label, ...base, ...price],
      ["swap", `all=${label}`],
    ])
      expect((await bench.broke(words)).code).toBe(0);
  };
  const run = async () => {
    const ran = await bench.broke(["harness", "run", "--task", "Go on.", "--max-cost", "0.001", "--timeout", "50s"]);
    const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout) as {
      limit: { which: string; value: number };
      requests: { costUsd: number | null }[];
    };
    return { ran, shown };
  };
  await swap("priced", ["--price-input", "3", "--price-output", "15", "--price-cached", "0.3"]);
  const priced = await run();
  expect(priced.ran.stderr).toContain("broke: the run reached its limit: cost $0.001\n");
  expect(priced.shown.limit.which).toBe("cost");
  const costs = priced.shown.requests.map(({ costUsd }) => costUsd ?? 0);
  expect(costs.every((cost) => cost > 0)).toBe(true);
  expect(priced.shown.limit.value).toBeGreaterThan(0.001);
  await swap("free", ["--price-input", "0", "--price-output", "0"]);
  await swap("unknown", []);
  const unknown = await run();
  expect(unknown.ran.stderr).toContain("have no price");
  expect(unknown.shown.limit).toEqual({ which: "cost", value: 0, limit: 0.001 } as never);
}, 120_000);

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
