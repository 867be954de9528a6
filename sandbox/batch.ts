// Runs one batch tool (git) for the supervisor on data that a worker may have written: in a sandbox of its own, with the folders it was given
// and nothing else — no network, no /proc, no environment but the one named, bounded time and memory.
// Does not stop: the tool from writing anything into the folders it was given to write.

import { closeSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { requireEnterable } from "./enterable.ts";
import { baseFilter } from "./filters.ts";
import { hostFacts } from "./host.ts";
import * as libc from "./libc.ts";
import { openBeneath } from "./open.ts";
import { BWRAP, runToEnd } from "./spawn.ts";

export type BatchBind = { path: string; target: string; write: boolean };
export type Batch = {
  argv: string[];
  env: Record<string, string>;
  /** In order; later ones cover earlier ones. Reached without a link. */
  binds: BatchBind[];
  stdin?: Uint8Array | undefined;
  timeoutMs: number;
};

const MEMORY_BYTES = 4 * 1024 ** 3;
const FIRST_FD = 3;

/** Output and exit code. Throws `denied` when it took too long, a folder is reached by a link, or it is behind one that is closed to this sandbox. */
export function runBatch(batch: Batch): { code: number; stdout: Buffer; stderr: string } {
  const host = hostFacts();
  const fds: number[] = [];
  const give = (fd: number) => {
    fds.push(fd);
    return String(FIRST_FD + fds.length - 1);
  };
  try {
    const seccomp = libc.memoryFile("seccomp");
    libc.writeAll(seccomp, baseFilter(host.arch, { profile: "strict" }).bytes);
    const words = ["--seccomp", give(seccomp), "--ro-bind", "/usr", "/usr"];
    for (const [dir, kind] of Object.entries(host.mergedDirs)) {
      if (kind?.kind === "link") words.push("--symlink", kind.target, dir);
      else if (kind?.kind === "directory") words.push("--ro-bind", dir, dir);
    }
    words.push("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--dev", "/dev", "--tmpfs", "/tmp");
    requireEnterable(batch.binds.map(({ path }) => path));
    for (const { path, target, write } of batch.binds) {
      words.push(write ? "--bind-fd" : "--ro-bind-fd", give(openBeneath(undefined, path)), target);
    }
    for (const [name, value] of Object.entries(batch.env)) words.push("--setenv", name, value);
    const namespaces = ["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc"];
    const identity = ["--unshare-uts", "--unshare-cgroup-try", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"];
    const bounds = ["/usr/bin/prlimit", `--as=${MEMORY_BYTES}`, "--core=0", "--"];
    const sandbox = [BWRAP, ...namespaces, ...identity, "--die-with-parent", "--new-session", "--clearenv", ...words];
    const ended = runToEnd([...bounds, ...sandbox, "--remount-ro", "/", "--chdir", "/", "--", ...batch.argv], {
      fds,
      stdin: batch.stdin,
      timeoutMs: batch.timeoutMs,
    });
    if (ended.late) throw new BrokeError("denied", `${batch.argv[0]} did not end in time`, "look at the tree yourself");
    if (ended.cut)
      throw new BrokeError("denied", `${batch.argv[0]} had too much to say`, "look at the tree yourself: it is kept");
    return ended;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
