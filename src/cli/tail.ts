// The end of a text file, and what is written to it later. A file that became shorter is read anew.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const MAX_BYTES = 4 * 1024 * 1024;

export type Tail = {
  /** The last lines as it is now; none when there is no file. */
  lines(): string[];
  /** Whole lines written since. */
  more(): string[];
};

/** The last `count` lines of a file, of its last 4 MiB. */
export function readTail(path: string, count: number): Tail {
  let at = 0;
  let rest = "";
  const read = (from: (size: number) => number): string[] => {
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch {
      return [];
    }
    try {
      const { size } = fstatSync(fd);
      if (size < at) [at, rest] = [0, ""];
      const start = Math.max(from(size), size - MAX_BYTES);
      const bytes = Buffer.alloc(size - start);
      const got = readSync(fd, bytes, 0, bytes.length, start);
      at = start + got;
      const lines = (rest + bytes.subarray(0, got).toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      return lines;
    } finally {
      closeSync(fd);
    }
  };
  return {
    lines() {
      const lines = read(() => 0);
      return count === 0 ? [] : lines.slice(-count);
    },
    more: () => read(() => at),
  };
}
