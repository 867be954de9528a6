// Checks a history against itself, the signing key and the head stored outside it: text in, finding out, whole or a line at a time.
// Does not stop: somebody who holds the signing key and can also write the database.

import * as v from "valibot";
import type { KeyObject } from "node:crypto";
import { parseJson } from "#src/core/json.ts";
import type { Head } from "./ledger.ts";
import { filePieces, readLines } from "./ledger-lines.ts";
import { type Chain, GENESIS, hashRecord, isSignedBy, LEDGER, type LedgerRecord, recordSchema } from "./record.ts";

export type LedgerState = "intact" | "incomplete" | "tampered";

/** `line` is the first bad one, counted from 1. An incomplete ledger was never closed: its run crashed or is still going. */
export type Verification = { state: LedgerState; records: number; line: number | null; reason: string | null };

/** The record a line is; undefined for what is none. */
function parseRecord(line: string): LedgerRecord | undefined {
  const raw = parseJson(line);
  // The line must be, to the letter, what would be written again: no second spelling of a member, no space, no name a parser drops.
  return v.is(recordSchema, raw) && JSON.stringify(raw) === line ? (raw as LedgerRecord) : undefined;
}

/** Parsed records up to the first line that is none, and whether the text ends in a torn line. */
export function parseLedger(text: string): { records: LedgerRecord[]; bad: number | null; torn: boolean } {
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  const records: LedgerRecord[] = [];
  for (const [index, line] of lines.entries()) {
    const record = parseRecord(line);
    if (record === undefined) return { records, bad: index + 1, torn };
    records.push(record);
  }
  return { records, bad: null, torn };
}

/** What a history is held against. `run` absent: its records are of many runs. `from` is what its first record continues. */
export type Expected = { chain: Chain; run?: string; key: KeyObject; from: Head; head: Head | undefined };

function checkRecord(record: LedgerRecord, { chain, run, key }: Expected, prev: Head): string | null {
  if (run !== undefined && record.run !== run) return "the record belongs to another run";
  if (record.seq !== prev.seq + 1) return "a record is missing or out of order";
  if (record.prev !== prev.hash) return "the record does not continue the one before it";
  if (record.hash !== hashRecord(record)) return "the record was edited";
  if (chain.signs(record.event) !== (record.sig !== undefined)) return "a signature is missing or misplaced";
  if (record.sig !== undefined && !isSignedBy(record, key, chain)) return "the signature does not match";
  return null;
}

/**
 * The first line that does not hold, and why; null when all do. A history that does not reach the head the database holds, or disagrees
 * with it, does not hold either.
 */
export function findFault(
  { records, bad }: Pick<ReturnType<typeof parseLedger>, "records" | "bad">,
  expected: Expected,
): { line: number; reason: string } | null {
  const { from, head } = expected;
  let prev = from;
  for (const [index, record] of records.entries()) {
    const reason = checkRecord(record, expected, prev);
    if (reason !== null) return { line: index + 1, reason };
    prev = { seq: record.seq, hash: record.hash };
  }
  if (bad !== null) return { line: bad, reason: "the line is not a ledger record" };
  if (head === undefined || head.seq === 0) return null;
  if (prev.seq < head.seq) return { line: records.length + 1, reason: "the ledger ends before its recorded head" };
  const at = head.seq - from.seq;
  if (at > 0 && records[at - 1]?.hash !== head.hash)
    return { line: at, reason: "the ledger differs from its recorded head" };
  return null;
}

/** A ledger checked a line at a time, whatever its length. */
export type LedgerCheck = {
  /** Takes the next line without its end; the record in it, where it is one. */
  take(line: string): LedgerRecord | undefined;
  /** What came of it. `torn`: more follows the last whole line. */
  finish(torn: boolean): Verification;
};

/**
 * Starts checking one run's ledger. `head` is what the database holds: a ledger that does not reach it, or disagrees with it, was tampered
 * with; one that goes on past it is incomplete.
 */
export function checkLedger(run: string, key: KeyObject, head: Head | undefined): LedgerCheck {
  const expected: Expected = { chain: LEDGER, run, key, from: { seq: 0, hash: GENESIS }, head };
  let last: LedgerRecord | undefined;
  let prev = expected.from;
  let [records, lines] = [0, 0];
  let fault: { line: number; reason: string } | null = null;
  let bad = false;
  let otherHead: number | undefined;
  const take = (line: string): LedgerRecord | undefined => {
    lines += 1;
    if (bad) return undefined;
    const record = parseRecord(line);
    if (record === undefined) {
      bad = true;
      fault ??= { line: lines, reason: "the line is not a ledger record" };
      return undefined;
    }
    records += 1;
    last = record;
    if (fault !== null) return record;
    const reason = checkRecord(record, expected, prev);
    if (reason !== null) fault = { line: lines, reason };
    if (record.seq === head?.seq && record.hash !== head.hash) otherHead = lines;
    prev = { seq: record.seq, hash: record.hash };
    return record;
  };
  return {
    take,
    finish(torn) {
      if (fault === null && head !== undefined && head.seq > 0) {
        if (prev.seq < head.seq) fault = { line: records + 1, reason: "the ledger ends before its recorded head" };
        else if (otherHead !== undefined)
          fault = { line: otherHead, reason: "the ledger differs from its recorded head" };
      }
      if (fault !== null) return { state: "tampered", records, ...fault };
      const open = (reason: string): Verification => ({ state: "incomplete", records, line: null, reason });
      if (torn) return open("the last line is torn");
      if (last?.event !== "run.completed") return open("the run was never closed");
      // Signed, or the check above had failed: the supervisor died before it could record that it had closed the run.
      if (head?.seq !== last.seq) return open("the close was not recorded");
      return { state: "intact", records, line: null, reason: null };
    },
  };
}

/** Verifies a ledger that is at hand as text. */
export function verifyLedger(text: string, run: string, key: KeyObject, head: Head | undefined): Verification {
  const check = checkLedger(run, key, head);
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  for (const line of lines) check.take(line);
  return check.finish(torn);
}

/** Verifies a ledger's file in as much memory as its longest line takes. Throws what the file system says. */
export function verifyLedgerFile(file: string, run: string, key: KeyObject, head: Head | undefined): Verification {
  const check = checkLedger(run, key, head);
  const reader = readLines();
  try {
    for (const piece of filePieces(file)) for (const line of reader.push(piece)) check.take(line);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    check.take("");
  }
  return check.finish(reader.torn());
}
