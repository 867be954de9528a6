// Where everything of broke's own lives: one folder, `BROKE_HOME` (default ~/.broke), 0700, and the names inside it.
// Does not stop: another process of the same user from reading it.

import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { isRunId } from "#src/core/ids.ts";
import { repairPermissions } from "./repair.ts";

export type Home = {
  root: string;
  env: string;
  database: string;
  /** The operator's permission sets. */
  permissions: string;
  clientToken: string;
  signingKey: string;
  audit: string;
  runs: string;
  /** Sockets and the daemon's ownership file. */
  live: string;
};

/** Path of the home folder, without touching the disk. Throws `usage` when BROKE_HOME is not absolute. */
export function homePath(env: Record<string, string | undefined>): string {
  const given = env.BROKE_HOME;
  if (given === undefined || given === "") return join(env.HOME || homedir(), ".broke");
  if (!isAbsolute(given)) throw new BrokeError("usage", "BROKE_HOME must be an absolute path");
  return given;
}

/** Makes it where it is missing. Throws `missing` where that may not be. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new BrokeError(
      "missing",
      `the folder ${path} cannot be made (${code})`,
      "set BROKE_HOME to a folder that you may write to",
    );
  }
}

function ensureFolder(path: string): void {
  makeFolder(path);
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid!()) {
    throw new BrokeError(
      "config",
      `${path} is not a folder of yours`,
      "move it away, or set BROKE_HOME to another folder",
    );
  }
}

/**
 * The home's folders, made when missing (0700). `onRepaired` is told of everything in it that was not private and now is. Throws `config` when
 * somebody else owns any of it, `missing` when a folder cannot be made.
 */
export function openHome(env: Record<string, string | undefined>, onRepaired: (path: string) => void = () => {}): Home {
  const wanted = homePath(env);
  makeFolder(wanted);
  const root = realpathSync(wanted);
  const home: Home = {
    root,
    env: join(root, ".env"),
    database: join(root, "broke.db"),
    permissions: join(root, "broke.toml"),
    clientToken: join(root, "client-token"),
    signingKey: join(root, "ledger.key"),
    audit: join(root, "audit.jsonl"),
    runs: join(root, "runs"),
    live: join(root, "run"),
  };
  for (const folder of [root, home.runs, home.live]) ensureFolder(folder);
  for (const name of repairPermissions(root)) onRepaired(join(root, name));
  return home;
}

export type RunPaths = {
  root: string;
  ledger: string;
  lock: string;
  /** The processes it is. */
  processes: string;
  contract: string;
  placeholders: string;
  userState: string;
  /** The tree that was made for the run, and, once it is whole, what it was made from. */
  tree: string;
  origin: string;
  /** Where the tree is an overlay: what was written in it, and what the kernel needs beside that. */
  upper: string;
  work: string;
  /** The supervisor's own repository, in which the result of a worktree is put together. */
  landing: string;
  /** What the tree was before the worker's first turn, of a run whose worker may be sent back later. */
  start: string;
  /** Is there when the run works in its workspace itself. */
  writer: string;
  /** What was there before the run that the sweep after it must leave alone, and where the sweep puts the rest. */
  baseline: string;
  quarantine: string;
  clientHome: string;
  shims: string;
  events: string;
  /** What is mounted over programs that must not run. */
  mask: string;
  socketDir: string;
  /** Where the supervisor verifies what the run left. */
  verification: string;
  /** Content-addressed: what is too large for the ledger. */
  artifacts: string;
};

/** Names inside one run's folder. Throws `usage` on anything that is not a run id, so an id can never be a path. */
export function runPaths(home: Home, runId: string): RunPaths {
  if (!isRunId(runId)) throw new BrokeError("usage", "not a run id", "`broke harness list` shows the runs");
  return pathsBelow(join(home.runs, runId));
}

/** The same names below any folder: a verification has its own of each. */
export function pathsBelow(root: string): RunPaths {
  return {
    root,
    ledger: join(root, "ledger.jsonl"),
    lock: join(root, "lock"),
    processes: join(root, "processes.json"),
    contract: join(root, "contract.json"),
    placeholders: join(root, "placeholders.json"),
    userState: join(root, "user-state.json"),
    tree: join(root, "tree"),
    origin: join(root, "origin.json"),
    upper: join(root, "upper"),
    work: join(root, "work"),
    landing: join(root, "landing.git"),
    start: join(root, "start.json"),
    writer: join(root, "writer"),
    baseline: join(root, "baseline.json"),
    quarantine: join(root, "quarantine"),
    clientHome: join(root, "home"),
    shims: join(root, "shims"),
    events: join(root, "events"),
    mask: join(root, "denied"),
    socketDir: join(root, "socket"),
    verification: join(root, "verification"),
    artifacts: join(root, "artifacts"),
  };
}
