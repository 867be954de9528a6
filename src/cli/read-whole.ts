// What the operator names to be read: a file, a pipe, or standard input as /dev/stdin. Its size is known when it has been read, never before.

import { closeSync, openSync, readSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";

const PIECE_BYTES = 64 * 1024;

/** Its text. Throws `missing` where it cannot be read, `usage` where it has more than so many bytes. */
export function readWhole(path: string, what: string, mostBytes: number): string {
  let fd: number | undefined;
  const pieces: Buffer[] = [];
  try {
    fd = openSync(path, "r");
    for (let left = mostBytes + 1, read = -1; left > 0 && read !== 0; left -= read) {
      const piece = Buffer.alloc(Math.min(left, PIECE_BYTES));
      read = readSync(fd, piece);
      pieces.push(piece.subarray(0, read));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new BrokeError("missing", "there is no such file");
    throw new BrokeError("missing", "the file cannot be read", "is it a file, and yours to read?");
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  const whole = Buffer.concat(pieces);
  if (whole.length > mostBytes) throw new BrokeError("usage", `the file is too large for ${what}`);
  return whole.toString("utf8");
}
