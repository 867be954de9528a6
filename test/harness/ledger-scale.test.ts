// A ledger of many events: written fast enough, verified in as much memory as a short one, in time that grows with its length alone.
// BROKE_LEDGER is the number of events (1 000 000 in `test:long`).

import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Head, Ledger } from "#harness/ledger.ts";
import { verifyLedgerFile } from "#harness/verify.ts";
import { makeRedactor } from "#src/core/text.ts";

const EVENTS = Number(process.env.BROKE_LEDGER ?? 40_000);
const RUN = "run_1800000000_00000000";
const MIB = 1024 ** 2;
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const dir = mkdtempSync(join(tmpdir(), "broke-scale-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Other work on the machine takes wall time, and none of this. */
const processorMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Appends so many events, and the end; where the ledger ended, and what processor time an event took. */
function write(file: string, events: number): { head: Head; us: number } {
  let head: Head = { seq: 0, hash: "" };
  using ledger = new Ledger({
    ...{ file, run: RUN, key: privateKey, clock: Date.now, redact: makeRedactor(["a-secret-of-the-operator"]) },
    saveHead: (at) => (head = at),
  });
  const began = processorMs();
  for (let index = 0; index < events; index++) {
    ledger.append("command.observed", {
      ...{ pid: index, at: Date.now(), path: "/usr/bin/sh", argv: ["sh", "-c", `echo ${index}`], cwd: "/work" },
      ...{ by: "/usr/bin/bash", cut: false, files: ["/usr/bin/sh"], lineage: [3, 2, 1], outcome: "started" },
    });
  }
  const us = ((processorMs() - began) * 1000) / events;
  ledger.append("run.completed", { outcome: "completed" });
  return { head, us };
}

const [short, long] = [join(dir, "short"), join(dir, "long")];
let heads: { short: Head; long: Head };
let us: number;
beforeAll(() => {
  const all = write(long, EVENTS);
  heads = { short: write(short, EVENTS / 4).head, long: all.head };
  us = all.us;
}, 600_000);

test("an event takes a tenth of a millisecond at most", () => {
  expect(us).toBeLessThan(100);
});

test("is verified whole, in memory that does not grow with it, and in time that grows no faster than it", () => {
  const verify = (file: string, head: Head) => {
    const began = processorMs();
    const { state, records } = verifyLedgerFile(file, RUN, publicKey, head);
    return { state, records, ms: processorMs() - began };
  };
  const first = verify(short, heads.short);
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const whole = verify(long, heads.long);
  const grown = process.memoryUsage.rss() - before;
  expect([first.state, whole.state, whole.records]).toEqual(["intact", "intact", EVENTS + 1]);
  expect(grown).toBeLessThan(64 * MIB);
  expect(whole.ms / first.ms).toBeLessThan(4 * 3);
  if (EVENTS >= 1_000_000) expect(statSync(long).size).toBeGreaterThan(4 * grown);
}, 600_000);

test("the first bad line of many is named", () => {
  expect(verifyLedgerFile(short, RUN, publicKey, heads.long)).toMatchObject({
    ...{ state: "tampered", line: EVENTS / 4 + 2, reason: "the ledger ends before its recorded head" },
  });
}, 600_000);
