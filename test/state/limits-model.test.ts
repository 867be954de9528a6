// Whatever comes in whatever order, two gateways on one home let in exactly what one list of all that ever came would: the sums that are kept beside
// the minute never leave it.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#src/state/database.ts";
import { type Hold, type Limits, openLimits, type Taken } from "#src/state/limits.ts";
import { openHome } from "#src/state/paths.ts";
import { seeded } from "#test/support/random.ts";

type Counted = { atMs: number; requests: number; tokens: number };
type Held = { subject: string; store: number; hold: Hold; counted: Counted; usd: number };
const DAY_MS = 86_400_000;

/** All that ever came, added up anew for each question. */
function listOfAll(limits: Limits) {
  const counted = new Map<string, Counted[]>();
  const paid: { subject: string; day: number; usd: number }[] = [];
  const of = (subject: string) => {
    const known = counted.get(subject) ?? [];
    counted.set(subject, known);
    return known;
  };
  return {
    of,
    pay: (subject: string, nowMs: number, usd: number) => paid.push({ subject, day: Math.floor(nowMs / DAY_MS), usd }),
    expected(subject: string, nowMs: number, need: { tokens: number; usd: number }, held: readonly Held[]): string {
      const inWindow = of(subject).filter(({ atMs }) => atMs > nowMs - 60_000);
      const sum = (name: "requests" | "tokens") => inWindow.reduce((all, each) => all + each[name], 0);
      const open = held.filter((each) => each.subject === subject);
      const day = Math.floor(nowMs / DAY_MS);
      const spent = paid.filter((each) => each.subject === subject && each.day === day);
      const usd = [...spent, ...open].reduce((all, each) => all + each.usd, 0);
      const isOver =
        sum("requests") >= limits.rpm ||
        sum("tokens") + need.tokens > limits.tpm ||
        open.length >= limits.concurrency ||
        usd + need.usd > limits.dailyUsd;
      return isOver ? "refused" : "held";
    },
  };
}

test.each([1, 2, 3, 4, 5, 6])("orders by chance, seed %i", async (seed) => {
  const random = seeded(seed);
  const dir = mkdtempSync(join(tmpdir(), "broke-limits-"));
  let now = Date.UTC(2026, 10, 27, 23, 50);
  const limits: Limits = { rpm: 12, tpm: 4_000, concurrency: 4, dailyUsd: 64 };
  try {
    const stores = ["1 1 boot", "2 2 boot"].map((self) =>
      openLimits(openDatabase(openHome({ BROKE_HOME: dir })), () => now, { self, isAlive: () => true }),
    );
    const all = listOfAll(limits);
    const held: Held[] = [];
    const seen = { held: 0, refused: 0 };
    const takeSome = async () => {
      // In binary fractions, so that sums are the same in any order.
      const asked = Array.from({ length: 1 + random.below(3) }, () => ({
        subject: random.pick(["p", "q"]),
        need: { tokens: random.below(600), usd: random.below(16) / 8 },
      }));
      const store = random.below(2);
      const taking = asked.map(({ subject, need }) => stores[store]!.take(subject, limits, need));
      for (const [at, { subject, need }] of asked.entries()) {
        const taken: Taken | undefined = (await Promise.all(taking))[at];
        const expected = all.expected(subject, now, need, held);
        expect({ step: seen, kind: taken?.kind as string }).toEqual({ step: seen, kind: expected });
        if (taken?.kind === "refused") seen.refused += 1;
        if (taken?.kind !== "held") continue;
        seen.held += 1;
        const counted = { atMs: now, requests: 1, tokens: need.tokens };
        all.of(subject).push(counted);
        held.push({ subject, store, hold: taken.hold, counted, usd: need.usd });
      }
    };
    const settleOne = () => {
      const [one] = held.splice(random.below(held.length), 1);
      if (one === undefined) return;
      const { subject, store, hold, counted } = one;
      const used = random.chance(0.2) ? null : { tokens: random.below(900), usd: random.below(16) / 8 };
      if (used === null) Object.assign(counted, { requests: 0, tokens: 0 });
      else {
        const more = used.tokens - hold.need.tokens;
        counted.tokens = Math.min(used.tokens, hold.need.tokens);
        if (more > 0) all.of(subject).push({ atMs: now, requests: 0, tokens: more });
        all.pay(subject, now, used.usd);
      }
      hold.settle(used);
      stores[store]!.flush();
    };
    for (let step = 0; step < 400; step++) {
      const what = random.next();
      if (what < 0.45) await takeSome();
      else if (what < 0.8) settleOne();
      else now += random.pick([1, 500, 7_000, 59_999, 60_000]);
    }
    expect(Math.min(seen.held, seen.refused)).toBeGreaterThan(20);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
