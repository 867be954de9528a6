// Checks a ledger against itself, the signing key and the head stored outside it. Pure: text in, finding out.
// Does not stop: somebody who holds the signing key and can also write the database.

import * as v from "valibot";
import type { KeyObject } from "node:crypto";
import { parseJson } from "#src/core/json.ts";
import type { Head } from "./ledger.ts";
import { CHECKPOINTS, GENESIS, hashRecord, isSignedBy, type LedgerRecord, recordSchema } from "./record.ts";

export type LedgerState = "intact" | "incomplete" | "tampered";

/** `line` is the first bad one, counted from 1. An incomplete ledger was never closed: its run crashed or is still going. */
export type Verification = { state: LedgerState; records: number; line: number | null; reason: string | null };

/** Parsed records up to the first line that is none, and whether the text ends in a torn line. */
export function parseLedger(text: string): { records: LedgerRecord[]; bad: number | null; torn: boolean } {
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  const records: LedgerRecord[] = [];
  for (const [index, line] of lines.entries()) {
    const raw = parseJson(line);
    // The line must be, to the letter, what would be written again: no second spelling of a member, no space, no name a parser drops.
    if (!v.is(recordSchema, raw) || JSON.stringify(raw) !== line) return { records, bad: index + 1, torn };
    records.push(raw as LedgerRecord);
  }
  return { records, bad: null, torn };
}

function checkRecord(record: LedgerRecord, run: string, index: number, prev: string, key: KeyObject): string | null {
  if (record.run !== run) return "the record belongs to another run";
  if (record.seq !== index + 1) return "a record is missing or out of order";
  if (record.prev !== prev) return "the record does not continue the one before it";
  if (record.hash !== hashRecord(record)) return "the record was edited";
  if (CHECKPOINTS.has(record.event) !== (record.sig !== undefined)) return "a signature is missing or misplaced";
  if (record.sig !== undefined && !isSignedBy(record, key)) return "the signature does not match";
  return null;
}

/**
 * Verifies one run's ledger. `head` is what the database holds: a ledger that does not reach it, or disagrees with it, was tampered
 * with; one that goes on past it is incomplete.
 */
export function verifyLedger(text: string, run: string, key: KeyObject, head: Head | undefined): Verification {
  const { records, bad, torn } = parseLedger(text);
  let prev = GENESIS;
  const tampered = (line: number, reason: string): Verification => ({
    state: "tampered",
    records: records.length,
    line,
    reason,
  });
  for (const [index, record] of records.entries()) {
    const reason = checkRecord(record, run, index, prev, key);
    if (reason !== null) return tampered(index + 1, reason);
    prev = record.hash;
  }
  if (bad !== null) return tampered(bad, "the line is not a ledger record");
  if (head !== undefined && head.seq > 0) {
    if (records.length < head.seq) return tampered(records.length + 1, "the ledger ends before its recorded head");
    if (records[head.seq - 1]?.hash !== head.hash)
      return tampered(head.seq, "the ledger differs from its recorded head");
  }
  const last = records.at(-1);
  const open = (reason: string): Verification => ({ state: "incomplete", records: records.length, line: null, reason });
  if (torn) return open("the last line is torn");
  if (last?.event !== "run.completed") return open("the run was never closed");
  // Signed, or the check above had failed: the supervisor died before it could record that it had closed the run.
  if (head?.seq !== last.seq) return open("the close was not recorded");
  return { state: "intact", records: records.length, line: null, reason: null };
}
