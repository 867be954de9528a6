// A ledger file read a line at a time, so that its size costs no memory. Never follows a link.

import { closeSync, constants, openSync, readSync } from "node:fs";
import { parseJson } from "#src/core/json.ts";
import type { LedgerRecord } from "./record.ts";

const PIECE_BYTES = 256 * 1024;
/** More than any record of ours takes. */
export const MAX_LINE_BYTES = 64 * 1024 ** 2;
const NEWLINE = 0x0a;

/** Splits bytes into lines as they come. */
export type LineReader = {
  /** The whole lines these bytes end. Throws RangeError on one that is too long to be a record. */
  push(bytes: Uint8Array): string[];
  /** Whether bytes are left that no line's end followed. */
  torn(): boolean;
};

/** Starts a reader. */
export function readLines(maxBytes = MAX_LINE_BYTES): LineReader {
  let rest: Buffer[] = [];
  let held = 0;
  return {
    push(bytes) {
      const lines: string[] = [];
      const piece = Buffer.from(bytes);
      let from = 0;
      for (let to = piece.indexOf(NEWLINE); to !== -1; from = to + 1, to = piece.indexOf(NEWLINE, from)) {
        const last = piece.subarray(from, to);
        lines.push(held === 0 ? last.toString("utf8") : Buffer.concat([...rest, last]).toString("utf8"));
        rest = [];
        held = 0;
      }
      if (from < piece.length) {
        rest.push(piece.subarray(from));
        held += piece.length - from;
      }
      if (held > maxBytes) throw new RangeError("a line is too long");
      return lines;
    },
    torn: () => held > 0,
  };
}

/** The bytes of a file in pieces, each valid until the next is asked for. */
export function* filePieces(file: string): Generator<Uint8Array, void> {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) yield buffer.subarray(0, bytes);
  } finally {
    closeSync(fd);
  }
}

/** The records of a ledger that we wrote ourselves, as far as they are whole; nothing of them is verified here. */
export function* ledgerRecords(file: string): Generator<LedgerRecord, void> {
  const reader = readLines();
  for (const piece of filePieces(file)) {
    for (const line of reader.push(piece)) {
      const record = parseJson(line);
      if (record !== undefined) yield record as unknown as LedgerRecord;
    }
  }
}
