// Copies a folder that somebody may change meanwhile: every entry is reached by descriptor below the opened root, so a folder swapped for a link
// leads nowhere. Plain files (cloned where the file system can), folders and links as they are; sockets, pipes and devices are left out.
// Does not stop: a tree that changes while it is copied; the copy then holds some of both.

import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { fdPath, openAt, openFolder } from "#sandbox/open.ts";
import { below, showPath } from "#sandbox/tree.ts";

export const COPY_LIMITS = { entries: 200_000, bytes: 16 * 1024 ** 3 };

export type Copied = { entries: number; bytes: number; leftOut: number };

const SLASH = Buffer.from("/");
const join = (folder: Buffer, name: Buffer) => (folder.length === 0 ? name : Buffer.concat([folder, SLASH, name]));
const inFolder = (fd: number, name: Buffer) => Buffer.concat([Buffer.from(`${fdPath(fd)}/`), name]);

/** More than is worked on a copy, or a listing, of. */
export function tooLarge(what: string): BrokeError {
  return new BrokeError(
    "denied",
    `the workspace is too large to copy (${what})`,
    "use --workspace=worktree in a git repository, or --workspace=direct",
  );
}

/** What cannot be read is not left out silently. */
export function refuseEntry(path: Buffer): BrokeError {
  return new BrokeError(
    "denied",
    `${JSON.stringify(showPath(path))} in the workspace cannot be copied`,
    "make it readable for yourself, remove it, or use --workspace=direct",
  );
}

/** Runs something on the descriptor of what is at a path; undefined when nothing that may be reached is there any more. */
function opened<Result>(root: number, path: Buffer, act: (fd: number) => Result): Result | undefined {
  let fd: number;
  try {
    fd = path.length === 0 ? openAt(root, ".") : openAt(root, path);
  } catch (error) {
    if (error instanceof BrokeError) return undefined;
    throw error;
  }
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

/** One plain file, by descriptor; its stat as it was copied, undefined when it is none any more. Keeps mode (but for setuid and the like) and time. */
export function copyFileAt(root: number, path: Buffer, target: Buffer): BigIntStats | undefined {
  return opened(root, path, (fd) => {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return undefined;
    try {
      copyFileSync(fdPath(fd), target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw tooLarge("the disk is full");
      throw refuseEntry(path);
    }
    chmodSync(target, (Number(stat.mode) & 0o777) | 0o600);
    utimesSync(target, Number(stat.atimeMs) / 1000, Number(stat.mtimeMs) / 1000);
    return stat;
  });
}

/** One link as it is, never followed. */
export function copyLinkAt(folder: number, name: Buffer, target: Buffer): boolean {
  let leads: Buffer;
  try {
    leads = readlinkSync(inFolder(folder, name), { encoding: "buffer" });
  } catch {
    return false; // no link any more
  }
  symlinkSync(leads, target);
  return true;
}

/**
 * Copies all below `source` into the new folder `target`. `onCopied` hears of every entry that was copied, with what it was. Throws `denied`
 * when it is more than the limits, or not to be read; then the target holds a part.
 */
export function copyTree(
  source: string,
  target: string,
  onCopied: (path: Buffer, stat: BigIntStats) => void = () => {},
  limits = COPY_LIMITS,
): Copied {
  const copied: Copied = { entries: 0, bytes: 0, leftOut: 0 };
  const root = openFolder(source);
  const pending: Buffer[] = [Buffer.alloc(0)];
  const copyEntry = (folder: number, path: Buffer, name: Buffer) => {
    const stat = lstatSync(inFolder(folder, name), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return;
    if ((copied.entries += 1) > limits.entries) throw tooLarge(`more than ${limits.entries} entries`);
    const to = below(target, path);
    if (stat.isDirectory()) {
      mkdirSync(to, { mode: 0o700 });
      pending.push(path);
      onCopied(path, stat);
    } else if (stat.isSymbolicLink()) {
      if (copyLinkAt(folder, name, to)) onCopied(path, stat);
    } else if (stat.isFile()) {
      if ((copied.bytes += Number(stat.size)) > limits.bytes) throw tooLarge(`more than ${limits.bytes} bytes`);
      const was = copyFileAt(root, path, to);
      if (was !== undefined) onCopied(path, was);
    } else copied.leftOut += 1;
  };
  try {
    mkdirSync(target, { mode: 0o700 });
    for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
      const here = dir;
      opened(root, here, (folder) => {
        const mode = fstatSync(folder).mode & 0o777;
        let names: Buffer[];
        try {
          names = readdirSync(fdPath(folder), { encoding: "buffer" });
        } catch {
          throw refuseEntry(here);
        }
        for (const name of names) copyEntry(folder, join(here, name), name);
        if (here.length > 0) chmodSync(below(target, here), mode | 0o700);
      });
    }
    return copied;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A tree may be deeper than the longest path there is; a copy of it would be deeper still.
    if (code === "ENAMETOOLONG") throw tooLarge("folders in folders, deeper than the longest path there is");
    throw code === "ENOSPC" ? tooLarge("the disk is full") : error;
  } finally {
    closeSync(root);
  }
}
