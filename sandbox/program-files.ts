// Programs as files of the host: a word looked up, a script's interpreters, a file's other names, and where it is shown inside. Looks only.
// Does not stop: anything; a file may be another one by the time it is run, and is told by its inode then.

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Bind } from "./plan.ts";
import { isWithin } from "./protected.ts";
import { HEAD_BYTES, parseShebang } from "./shebang.ts";

/**
 * Where programs are: PATH inside, as folders of the host; what is shown beside /usr (`all`: everything); the client's own, by word or path;
 * our own Bun, which is shown and may not be run.
 */
export type ProgramPlace = { path: string[]; binds: Bind[] | "all"; workspace: string; client: string[]; bun: string };

/** The system's folders of programs. */
export const LISTED_FOLDERS = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/usr/local/games",
  "/usr/games",
];
/** Where packages keep second names of their programs. */
const HELPER_FOLDERS = ["/usr/lib/git-core", "/usr/libexec", "/usr/libexec/git-core"];

/** A file by device and inode. */
export const idOf = (path: string) => {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

/** The real path; undefined where there is none. */
export function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // not there, or not for us to see
  }
}

const isProgram = (path: string) => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && (stat.mode & 0o111) !== 0;
};

/** Every program a word means, real paths, in PATH's order. */
export function lookUp(word: string, { path, workspace, ...rest }: ProgramPlace): string[] {
  const candidates = word.includes("/") ? [resolve(workspace, word)] : path.map((folder) => join(folder, word));
  const found = candidates.map(real).filter((each) => each !== undefined);
  return [...new Set(found)].filter((file) => isProgram(file) && isShown(file, { path, workspace, ...rest }));
}

function headOf(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

/** What a script is run by: its interpreter, with env(1) the program that one looks up, and what runs that. */
export function interpretersOf(file: string, place: ProgramPlace): string[] {
  const found: string[] = [];
  for (let next: string | undefined = file; next !== undefined && found.length < 6;) {
    const script = parseShebang(headOf(next));
    next = script && real(script.interpreter);
    if (next === undefined || script === undefined) break;
    found.push(next);
    if (!next.endsWith("/env") || script.argument === null) continue;
    const word = script.argument.replace(/^-S\s+/, "").split(/\s+/)[0]!;
    next = lookUp(word, place)[0];
    if (next !== undefined) found.push(next);
  }
  return found;
}

/** Files with the same bytes under another name: hard links, and the copies packages make where links are not kept. */
export function twinsOf(files: string[]): string[] {
  const wanted = files.map((file) => ({ file, id: idOf(file), size: statSync(file).size }));
  const sizes = new Set(wanted.map(({ size }) => size));
  const folders = [...new Set([...LISTED_FOLDERS, ...HELPER_FOLDERS, ...files.map((file) => join(file, ".."))])];
  const twins = folders.flatMap((folder) => {
    if (!existsSync(folder)) return [];
    const paths = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, entry.name));
    return paths.filter((path) => {
      const { size } = statSync(path);
      if (size === 0 || !sizes.has(size) || files.includes(path)) return false;
      const same = wanted.filter((each) => each.size === size);
      return same.some(({ file, id }) => id === idOf(path) || readFileSync(file).equals(readFileSync(path)));
    });
  });
  return [...new Set(twins.map((path) => realpathSync(path)))];
}

/** Where a file of the host is shown inside where a mount can cover it; undefined: only the observer can hold it. */
export function insidePath(file: string, { binds, workspace }: ProgramPlace): string | undefined {
  if (isWithin(workspace, file)) return undefined;
  if (binds === "all" || file.startsWith("/usr/")) return file;
  for (const bind of binds) {
    if ("link" in bind || !isWithin(bind.source, file)) continue;
    return join(bind.target, file.slice(bind.source.length));
  }
  return undefined;
}

const isShown = (file: string, place: ProgramPlace) =>
  isWithin(place.workspace, file) || insidePath(file, place) !== undefined;
