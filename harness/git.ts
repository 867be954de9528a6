// Git, run by the supervisor: always in a sandbox that has the folders it needs and no network, with our own repository's configuration, never
// the operator's or a worker's; hooks, fsmonitor, filters and the like are off besides.
// Does not stop: git from taking long on what it is given; then it is ended.

import { BrokeError } from "#src/core/errors.ts";
import { visible } from "#src/core/text.ts";
import { type BatchBind, runBatch } from "#sandbox/batch.ts";

const GIT = "/usr/bin/git";
/** Where a run's own repository and the tree it is about stand in that sandbox, and, in the client's too, what they borrow objects from. */
export const AT_LANDING = "/r/git";
export const AT_TREE = "/r/tree";
export const objectsAt = (index: number) => `/run/broke/objects/${index}`;

const OFF = [
  ...["core.hooksPath=/dev/null", "core.fsmonitor=false", "core.untrackedCache=false", "core.splitIndex=false"],
  ...["core.attributesFile=/dev/null", "core.pager=cat", "core.alternateRefsCommand=/usr/bin/true"],
  ...["gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false"],
  ...["protocol.file.allow=always", "transfer.fsckObjects=true", "advice.addEmbeddedRepo=false"],
].flatMap((setting) => ["-c", setting]);

const ENV = {
  PATH: "/usr/bin:/bin",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_AUTHOR_NAME: "broke",
  GIT_AUTHOR_EMAIL: "broke@localhost",
  GIT_COMMITTER_NAME: "broke",
  GIT_COMMITTER_EMAIL: "broke@localhost",
};

const TIMEOUT_MS = 300_000;
const MAX_SAID = 300;

export type GitRun = { args: string[]; binds: BatchBind[]; stdin?: Uint8Array };

/** Runs git; its output and whether it succeeded. */
export function tryGit({ args, binds, stdin }: GitRun): { ok: boolean; stdout: Buffer; stderr: string } {
  const { code, stdout, stderr } = runBatch({
    argv: [GIT, ...OFF, ...args],
    env: ENV,
    binds,
    stdin,
    timeoutMs: TIMEOUT_MS,
  });
  return { ok: code === 0, stdout, stderr };
}

/** Runs git to success and returns its output. Throws `denied` with what it said. */
export function git(run: GitRun): Buffer {
  const { ok, stdout, stderr } = tryGit(run);
  if (ok) return stdout;
  throw new BrokeError(
    "denied",
    `git cannot do this: ${visible(stderr.trim()).slice(0, MAX_SAID)}`,
    "`git fsck` says whether the repository is sound",
  );
}

/** The NUL-terminated items of an output. */
export function items(output: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0, to = output.indexOf(0); to !== -1; from = to + 1, to = output.indexOf(0, from))
    found.push(output.subarray(from, to));
  return found;
}
