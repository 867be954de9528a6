// Facts about this machine that a plan depends on, gathered once per launch. Reads only; decides nothing.

import { accessSync, constants, existsSync, lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import {
  ETC_PATHS,
  ETC_PRIVATE,
  MERGED_DIRS,
  OPEN_CANDIDATES,
  PROC_EMPTIED,
  PROC_MASKED,
  PROC_READ_ONLY,
} from "./mounts.ts";

import type { Arch } from "./syscalls.ts";
export type { Arch };

export type HostFacts = {
  arch: Arch;
  uid: number;
  gid: number;
  mergedDirs: Record<string, { kind: "link"; target: string } | { kind: "directory" } | undefined>;
  present: ReadonlySet<string>;
  /** Those of them in /etc that are small plain files, which a sandbox gets a copy of. */
  copied: ReadonlySet<string>;
  localtime: string | undefined;
  /** The pinned Bun and our own sandbox folder, both absolute and without symbolic links. */
  bun: string;
  sandboxDir: string;
  /** Whether the kernel says how a process ended to others than its parent (`exec-ends.ts`). */
  tellsEnds: boolean;
};

/** Whether a kernel of this release has PIDFD_INFO_EXIT: Linux 6.15 on. */
export function tellsEnds(release: string): boolean {
  const [major = 0, minor = 0] = release.split(".", 2).map((part) => Number.parseInt(part, 10));
  return major > 6 || (major === 6 && minor >= 15);
}

function dirKind(path: string): HostFacts["mergedDirs"][string] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  return stat?.isDirectory() ? { kind: "directory" } : undefined;
}

/** Architecture under the name the syscall tables use. Throws `missing` on any other than x86_64 and aarch64. */
export function hostArch(): Arch {
  if (process.arch === "x64") return "x86_64";
  if (process.arch === "arm64") return "aarch64";
  throw new BrokeError("missing", "the sandbox supports x86_64 and aarch64 only");
}

const MAX_COPIED_BYTES = 1024 * 1024;

function isSmallFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > MAX_COPIED_BYTES) return false;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false; // bound, it is as unreadable inside
  }
}

/** Gathers the facts. Throws `missing` on a machine the sandbox does not support. */
export function hostFacts(): HostFacts {
  if (process.platform !== "linux") throw new BrokeError("missing", "the sandbox needs Linux");
  const candidates = [
    ...ETC_PATHS,
    ...ETC_PRIVATE,
    ...PROC_MASKED,
    ...PROC_READ_ONLY,
    ...PROC_EMPTIED,
    ...OPEN_CANDIDATES,
  ];
  return {
    arch: hostArch(),
    uid: process.getuid!(),
    gid: process.getgid!(),
    mergedDirs: Object.fromEntries(MERGED_DIRS.map((dir) => [dir, dirKind(dir)])),
    present: new Set(candidates.filter((path) => existsSync(path))),
    copied: new Set(ETC_PATHS.filter(isSmallFile)),
    localtime: existsSync("/etc/localtime") ? realpathSync("/etc/localtime") : undefined,
    bun: realpathSync(process.execPath),
    sandboxDir: realpathSync(join(dirname(new URL(import.meta.url).pathname))),
    tellsEnds: tellsEnds(release()),
  };
}
