// Which folder an agent may be let loose in, and where the broke that runs it lies.
// Does not stop: handing it a project folder that holds secrets of its own under names nobody masks; a worker whose workspace is a checkout of broke
// from changing its sources, which the run is warned of.

import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { isOpened } from "#sandbox/protected-names.ts";
import { isWithin, type Wanted } from "#sandbox/protected.ts";

/** Too much to hand over as a whole; a folder below may be a project. */
const TOO_MUCH = ["/", "/home", "/root", "/tmp", "/var", "/var/tmp", "/var/lib", "/opt", "/srv", "/mnt", "/media"];
/** The system's own, with all that is below. */
const SYSTEM = ["/usr", "/etc", "/boot", "/dev", "/proc", "/sys", "/run", "/bin", "/sbin", "/lib", "/lib64"];

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // not there, or not for us to see
  }
}

/** The real path of a folder that may not be there: an id without an account has no home. */
function existing(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

const CODE = ["src", "harness", "sandbox", "shims", "acp", "node_modules"];
/** Where this broke lies. */
export const INSTALLATION = realpathSync(join(import.meta.dir, ".."));

/** Folders of the broke that is running. */
export const ownCode = () => CODE.map((name) => join(INSTALLATION, name));

/** What says which code is loaded, beside the code itself. */
const LOADED_BY: Wanted[] = [
  ...["package.json", "tsconfig.json", "jsconfig.json", "bunfig.toml", "package-lock.json"].map((path): Wanted => ({
    path,
    kind: "file",
  })),
  { path: "node_modules", kind: "dir" },
];
/** What Bun looks for in the folders above too. */
const FROM_ABOVE = ["tsconfig.json", "jsconfig.json", "node_modules"];

/**
 * Those of a tree that holds all of it, relative to the tree: held in it while a run goes on, whether they are there or not. Throws `denied` for a link
 * among them that was not `opened`: nothing can be mounted over one, so the worker of a run in that very tree could put a folder of its own in its place.
 */
export function loadedBy(tree: string, opened: readonly string[], installation = INSTALLATION): Wanted[] {
  if (!isWithin(tree, installation)) return [];
  return LOADED_BY.map(({ path, kind }) => {
    const whole = join(installation, path);
    const own = relative(tree, whole);
    if (!isOpened(opened, own) && lstatSync(whole, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new BrokeError(
        "denied",
        `${JSON.stringify(own)} of the broke that runs this is a symbolic link, which a worker here could replace`,
        "install the packages there (npm ci), use --workspace=worktree or copy, or launch by another installation of broke",
      );
    return { path: own, kind };
  });
}

/** All that is never written to, wherever it lies: this broke; the packages beside it where it is one of them; what its code is a link to. */
export function ownPlaces(): string[] {
  const packages = INSTALLATION.lastIndexOf("/node_modules/");
  const whole = packages === -1 ? INSTALLATION : join(INSTALLATION.slice(0, packages), "node_modules");
  return [whole, ...ownCode().map((path) => existing(path) ?? path)].filter(
    (path, index) => index === 0 || !isWithin(whole, path),
  );
}

/** What is looked for in the folders above it, up to `top`: a package, say, that one of ours would use if it were there. */
export function loadedFromAbove(top: string): string[] {
  const [whole] = ownPlaces();
  const paths: string[] = [];
  for (let folder = dirname(whole!); isWithin(top, folder); folder = dirname(folder)) {
    paths.push(...FROM_ABOVE.map((name) => join(folder, name)));
    if (folder === "/") break;
  }
  return paths;
}

/** Whether what a client changes in the workspace could be the broke that supervises it. */
export function holdsInstallation(workspace: string): boolean {
  return isWithin(workspace, INSTALLATION) || ownCode().some((part) => isWithin(part, workspace));
}

/** The workspace as it will be mounted. Throws `usage`/`denied` for folders no agent should be let loose in. */
export function checkWorkspace(path: string, brokeHome: string, env: Record<string, string | undefined>): string {
  if (!isFolder(path)) throw new BrokeError("usage", "the workspace is not a folder that can be read");
  const real = realpathSync(path);
  const home = existing(env.HOME ?? homedir());
  const holdsHome = home !== undefined && (real === home || isWithin(real, home));
  if (TOO_MUCH.includes(real) || SYSTEM.some((folder) => isWithin(folder, real)) || holdsHome) {
    throw new BrokeError("denied", `${real} is too much to hand to an agent`, "run in a project's own folder");
  }
  if (isWithin(real, brokeHome) || isWithin(brokeHome, real)) {
    throw new BrokeError("denied", "the workspace and BROKE_HOME contain one another", "run in a project's own folder");
  }
  return real;
}
