// What a run's program permission means on this machine: names looked up, files told by device and inode, and what of it mounts can hold.
// What is denied is covered by a file nobody may run or read, under every name it is shown by; where only a list is allowed, the folders of
// PATH show nothing else. Looks only; starts nothing.
// Does not stop: a copy of a denied program that came from elsewhere; programs below /usr outside PATH where only a list is allowed, and
// programs in writable places: there the observer alone refuses, by what it saw.

import {
  existsSync,
  readdirSync,
  realpathSync,
  statSync,
  lstatSync,
  openSync,
  readSync,
  closeSync,
  readFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { Bind } from "./plan.ts";
import { isWithin } from "./protected.ts";
import type { RunPermission } from "./run-permission.ts";
import { anyProgram, type RunRules } from "./run-rules.ts";
import { HEAD_BYTES, parseShebang } from "./shebang.ts";

/**
 * Where programs are: PATH inside, as folders of the host; what is shown beside /usr (`all`: everything); the client's own, by word or path.
 */
export type ProgramPlace = { path: string[]; binds: Bind[] | "all"; workspace: string; client: string[] };

/** Programs as they are shown. `cover`: real paths that get `mask` mounted over; `only`: folders that show no program but these. */
export type ShownPrograms = {
  rules: RunRules;
  mask: string;
  cover: string[];
  only: { folders: string[]; files: string[]; links: { path: string; to: string }[] } | undefined;
  /** What was asked for and does nothing here. */
  warnings: string[];
};

const LISTED_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/usr/local/games", "/usr/games"];
/** Where packages keep second names of their programs. */
const HELPER_FOLDERS = ["/usr/lib/git-core", "/usr/libexec", "/usr/libexec/git-core"];

const idOf = (path: string) => {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

function real(path: string): string | undefined {
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
function lookUp(word: string, { path, workspace, ...rest }: ProgramPlace): string[] {
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
function interpretersOf(file: string, place: ProgramPlace): string[] {
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
function twinsOf(files: string[]): string[] {
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
function insidePath(file: string, { binds, workspace }: ProgramPlace): string | undefined {
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

/** The names a file of /usr/bin has where /bin is a link to it. */
const shortNames = (folder: string, name: string) =>
  ["/bin", "/sbin"].filter((short) => short !== folder && real(short) === folder).map((short) => join(short, name));

function onlyThese(allowed: string[]): { only: ShownPrograms["only"]; hidden: string[] } {
  const wanted = new Set(allowed);
  const folders = LISTED_FOLDERS.filter((folder) => lstatSync(folder, { throwIfNoEntry: false })?.isDirectory());
  const files: string[] = [];
  const links: { path: string; to: string }[] = [];
  const hidden: string[] = [];
  for (const folder of folders) {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const to = real(path);
      if (to === undefined || !wanted.has(to)) hidden.push(path, ...shortNames(folder, name));
      else if (to === path) files.push(path);
      else links.push({ path, to });
    }
  }
  return { only: { folders, files, links }, hidden };
}

/**
 * Finds what the permission means. `mask` is a file of ours. Throws `usage` for an allowed or asked word that is no program here, a script
 * whose interpreter may not run, and a client that may not.
 */
export function findPrograms(permission: RunPermission, place: ProgramPlace, mask: string): ShownPrograms {
  const warnings: string[] = [];
  const find = (flag: string, words: string[]) =>
    words.map((word) => {
      const [file] = lookUp(word, place);
      if (file === undefined) {
        throw new BrokeError(
          "usage",
          `${flag}: no program ${JSON.stringify(word)} is shown inside`,
          "name one that is",
        );
      }
      return file;
    });
  const named = find("--allow-run", permission.allow);
  const asked = find("--ask-run", permission.ask);
  const listed = permission.deny.flatMap((word) => {
    const files = lookUp(word, { ...place, path: [...place.path, ...LISTED_FOLDERS] });
    if (files.length === 0) warnings.push(`--deny-run: no program ${JSON.stringify(word)} is shown inside`);
    return files;
  });
  const denied = [...new Set([...listed, ...twinsOf(listed)])];
  const own = place.client.flatMap((word) => lookUp(word, place).slice(0, 1));
  const client = [...own, ...own.flatMap((file) => interpretersOf(file, place))];
  const [deniedIds, clientIds] = [new Set(denied.map(idOf)), client.map(idOf)];
  const refused = client.find((_, at) => deniedIds.has(clientIds[at]!));
  if (refused !== undefined) {
    throw new BrokeError("usage", `--deny-run: the client itself is run by ${refused}`, "deny other programs");
  }
  const allowed = [...named, ...client];
  const known = new Set([...allowed, ...asked].map(idOf));
  for (const file of permission.others === "deny" ? [...named, ...asked] : []) {
    const [missing] = interpretersOf(file, place).filter((each) => !known.has(idOf(each)));
    if (missing === undefined) continue;
    throw new BrokeError("usage", `--allow-run: ${file} is a script and run by ${missing}`, `allow ${missing} too`);
  }
  const writable = [...named, ...asked].find((file) => isWithin(place.workspace, file));
  if (writable !== undefined && permission.others !== "allow")
    warnings.push(`${writable} may run, and the client can write it: it can make another program of it`);
  const { only, hidden } =
    permission.others === "deny" ? onlyThese([...allowed, ...asked]) : { only: undefined, hidden: [] };
  return {
    rules: {
      others: permission.others,
      allowed: allowed.map(idOf),
      denied: [...deniedIds],
      asked: asked.map(idOf),
      mask: idOf(mask),
      hidden,
    },
    mask,
    // A name that is hidden anyway cannot be mounted over.
    cover: denied
      .map((file) => insidePath(file, place))
      .filter((path) => path !== undefined && !hidden.includes(path))
      .map((path) => path!),
    only,
    warnings,
  };
}

/** What bwrap is told about programs. */
export function programWords(programs: ShownPrograms | undefined): string[] {
  if (programs === undefined) return [];
  const { only, cover, mask } = programs;
  const words: string[] = [];
  for (const folder of only?.folders ?? []) words.push("--size", "65536", "--tmpfs", folder);
  for (const file of only?.files ?? []) words.push("--ro-bind", file, file);
  for (const { path, to } of only?.links ?? []) words.push("--symlink", to, path);
  for (const folder of only?.folders ?? []) words.push("--remount-ro", folder);
  for (const path of cover) words.push("--ro-bind", mask, path);
  return words;
}

/** Which tools can have a shim in front: it is a script of /bin/sh, and must not be what is asked about or refused instead of the tool. */
export function shimmable(programs: ShownPrograms | undefined): (file: string) => boolean {
  if (programs === undefined) return () => true;
  const { others, denied, asked } = programs.rules;
  const held = new Set([...denied, ...asked]);
  if (others !== "allow" || held.has(idOf("/bin/sh"))) return () => false;
  return (file) => !held.has(idOf(file));
}

export const rulesOf = (programs: ShownPrograms | undefined): RunRules => programs?.rules ?? anyProgram;
