// An overlay, mounted for one process and what it starts: that process replaces itself by `unshare` (a mount namespace of its own), `mount`, and
// then its own program once more. Same pid, terminal and exit code, and nobody else sees the mount. As a plain user that takes a user namespace in
// which only that user is mapped: root's files show there as the overflow uid's, so the helpers' owner is asked for before.
// No path is ever part of a mount option or of a shell's text: folders are descriptors and names of ours, or words.
// Does not stop: whoever changes the lower folder meanwhile; another process of the same user from looking in through /proc.

import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { randomBytes } from "#src/core/ids.ts";
import { asListed, isRealRoot, LOWER, mountsHere } from "./mount-table.ts";
import { fdPath, openFolder } from "./open.ts";
import { INSTALL_HINT, namespaceRefusal, requireHelper } from "./preflight.ts";
import { isWithin } from "./protected.ts";
import { BWRAP, runProbe } from "./spawn.ts";

const UNSHARE = "/usr/bin/unshare";
const MOUNT = "/usr/bin/mount";
const SHELL = "/usr/bin/sh";
const TRUE = "/usr/bin/true";

const INSTEAD = "--workspace=copy does the same at the price of a copy";

/**
 * `$1` the folder that holds `tree`, `upper` and `work`, `$2` options, `$3` a second place or nothing, `$4` where to go on. The lower folder is
 * where it begins: opened there, in the new namespace, because an overlay takes no folder of another one (`clone_private_mount`, fs/namespace.c).
 */
const ENTER = [
  `{ exec 9<. && cd -- "$1" && ${MOUNT} -t overlay overlay -o "$2" tree && exec 9<&-`,
  `{ [ -z "$3" ] || ${MOUNT} --bind tree "$3"; } && cd -- "$4" && shift 4; }`,
].join(" && ");
const OR_END = `${ENTER} || { echo "broke: the overlay could not be mounted" >&2; exit 3; }; exec "$@"`;

/**
 * `read` needs no layer that could be written to, and so disturbs nobody. `work` is one mount's own: the kernel empties it first, and whoever
 * works there already would be cut off.
 */
const LAYERS = {
  write: (work: string) => `lowerdir=${LOWER},upperdir=upper,workdir=${work}`,
  read: () => `lowerdir=upper:${LOWER}`,
} as const;

/**
 * What is in the upper layer is all of what was written: nothing in it refers to what lies below (`metacopy`, `redirect_dir`). `xino`: an entry keeps
 * its number from one mount to the next where the layers are of two file systems.
 */
const ALWAYS = "redirect_dir=nofollow,metacopy=off,index=off,xino=on";

export type OverlayView = {
  /** Holds `tree`, `upper` and `work`. */
  folder: string;
  lower: string;
  access: keyof typeof LAYERS;
  /** Where the tree is to be seen too. */
  also?: string;
};

const isRoot = () => process.getuid!() === 0;

/** The words that mount the view and then become `command`, started in the lower folder. */
function viewWords({ folder, access, also = "" }: OverlayView, work: string, cwd: string, command: string[]): string[] {
  const options = [LAYERS[access](work), ALWAYS, ...(isRealRoot() ? [] : ["userxattr"])].join(",");
  const outer = [UNSHARE, ...(isRoot() ? ["--mount"] : ["--user", "--map-root-user", "--mount"]), "--"];
  const self = ["--user", `--map-user=${process.getuid!()}`, `--map-group=${process.getgid!()}`, "--"];
  const inner = isRoot() ? command : [UNSHARE, ...self, ...command];
  return [...outer, SHELL, "-c", OR_END, "sh", folder, options, also, cwd, ...inner];
}

/** What is mounted below a folder is not to be seen through an overlay of it. Throws `denied`. */
function requireNoMountBelow(folder: string): void {
  const root = asListed(folder);
  if (mountsHere().every(({ at }) => at === root || !isWithin(root, at))) return;
  throw new BrokeError(
    "denied",
    "other file systems are mounted in the workspace, which an overlay does not show",
    "--workspace=copy copies what is in them too",
  );
}

/** The first line of what a helper said, and whose word it is. */
function refusal(output: string): BrokeError {
  const said = output
    .trim()
    .split("\n")[0]!
    .replace(/[^\x20-\x7e]/g, "?");
  const obstacle = said.startsWith("unshare:") ? namespaceRefusal() : undefined;
  const why = obstacle?.message ?? (said === "" ? "it failed without a word" : said);
  return new BrokeError(
    "missing",
    `--workspace=overlay is not available: ${why}`,
    `${INSTEAD}; the kernel wants user namespaces, and BROKE_HOME on a file system that is no overlay itself`,
  );
}

/** Whether the helpers, and what is started inside, are there, and root's alone to change. Throws `missing` or `denied`. */
function requireHelpers({ access }: OverlayView): void {
  for (const helper of [UNSHARE, SHELL]) requireHelper(helper, INSTEAD);
  if (access === "write") requireHelper(BWRAP, INSTALL_HINT);
  // Setuid wherever it is installed; it is run as root, or where root is not known.
  requireHelper(MOUNT, INSTEAD, { setuid: true });
}

/** Where to go on; the root where that folder is gone. */
function whereWeStand(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

/** Mounts the view and does nothing in it; we stand in its lower folder. Throws `missing` with what refused it. */
function tryView(view: OverlayView, work: string, cwd: string): void {
  const { code, output } = runProbe(viewWords(view, work, cwd, [TRUE]), ".");
  if (code !== 0) throw refusal(output);
}

/** Whether an overlay can be mounted with its layer in that folder of ours. Throws `missing` or `denied` with what keeps it. */
export function requireOverlays(scratch: string): void {
  const folder = mkdtempSync(`${scratch}/overlay-`);
  const cwd = whereWeStand();
  try {
    const view: OverlayView = { folder, lower: `${folder}/lower`, access: "write" };
    requireHelpers(view);
    for (const name of ["lower", "tree", "upper", "work"]) mkdirSync(`${folder}/${name}`, { mode: 0o700 });
    process.chdir(view.lower);
    tryView(view, "work", cwd);
  } finally {
    process.chdir(cwd);
    for (const made of existsSync(`${folder}/work`) ? readdirSync(`${folder}/work`) : [])
      chmodSync(`${folder}/work/${made}`, 0o700);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Tries the view with nothing in it, and then replaces this process by `command` in it: never returns. Throws `missing` with what refused it, `denied`
 * where it would not show what the folder holds; then nothing is mounted.
 */
export function enterOverlay(view: OverlayView, command: string[], env: Record<string, string | undefined>): never {
  requireHelpers(view);
  requireNoMountBelow(view.lower);
  const work = `work/${randomBytes(4).toString("hex")}`;
  if (view.access === "write") mkdirSync(`${view.folder}/${work}`, { recursive: true, mode: 0o700 });
  const cwd = whereWeStand();
  const lower = openFolder(view.lower);
  try {
    process.chdir(fdPath(lower));
    tryView(view, work, cwd);
    const words = viewWords(view, work, cwd, command);
    const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    process.execve!(UNSHARE, words, Object.fromEntries(kept));
    throw new BrokeError("internal", "the view was not entered");
  } finally {
    closeSync(lower);
    process.chdir(cwd);
  }
}
