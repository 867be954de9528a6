// A run's ledger as the page needs it, read on from where it was read before: what the governor last said, and the newest events in lines. It is shown,
// not verified; `broke harness verify` does that.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { readLines } from "#harness/ledger-lines.ts";
import type { LedgerRecord } from "#harness/record.ts";
import { eventLine } from "#harness/view.ts";
import { parseJson } from "#src/core/json.ts";

export type Followed = { mode: string; lines: string[] };

const SHOWN = 40;
const PIECE_BYTES = 256 * 1024;
/** In one look; the rest comes with the next ones. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Reads on at each call; a ledger that cannot be read, or is none, adds nothing. */
export function followRun(file: string): () => Followed {
  const split = readLines();
  const piece = Buffer.alloc(PIECE_BYTES);
  let at = 0;
  let mode = "open";
  let lines: string[] = [];
  const take = (line: string) => {
    const record = parseJson(line) as LedgerRecord | undefined;
    if (record === undefined || typeof record?.event !== "string") return;
    if (record.event === "governor.mode" && typeof record.data.mode === "string") mode = record.data.mode;
    lines = [...lines, eventLine(record)].slice(-SHOWN);
  };
  return () => {
    let fd: number | undefined;
    try {
      fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const end = Math.min(fstatSync(fd).size, at + MAX_BYTES);
      while (at < end) {
        const bytes = readSync(fd, piece, 0, Math.min(PIECE_BYTES, end - at), at);
        if (bytes === 0) break;
        at += bytes;
        for (const line of split.push(piece.subarray(0, bytes))) take(line);
      }
    } catch {
      // It is not there yet, or not ours to read: what was seen before stands.
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    return { mode, lines };
  };
}
