// Files of lines whose writer may have died in the middle of one.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeFileSync } from "node:fs";

const LINE_FEED = 10;

/**
 * The whole lines among a file's last `maxBytes` (with a part of one before them when the file is longer). What was being written when the
 * writer died is set aside in `<file>.torn`, never guessed at. Call it only as the one writer.
 */
export function takeWholeLines(file: string, maxBytes = Number.POSITIVE_INFINITY): string {
  const fd = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, maxBytes));
    const start = size - bytes.length;
    for (let done = 0; done < bytes.length;) {
      const got = readSync(fd, bytes, done, bytes.length - done, start + done);
      if (got === 0) break;
      done += got;
    }
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    if (end < bytes.length) {
      writeFileSync(`${file}.torn`, bytes.subarray(end), { mode: 0o600 });
      ftruncateSync(fd, start + end);
    }
    return bytes.toString("utf8", 0, end);
  } finally {
    closeSync(fd);
  }
}
