// What a run's program permission means on this machine: names looked up, files told by device and inode, and what of it mounts can hold.
// What is denied is covered by a file nobody may run or read, under every name it is shown by; where only a list is allowed, the folders of
// PATH show nothing else. Looks only; starts nothing.
// Does not stop: a copy of a denied program that came from elsewhere; programs below /usr outside PATH where only a list is allowed, and
// programs in writable places: there the observer alone refuses, by what it saw.

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import {
  idOf,
  insidePath,
  interpretersOf,
  LISTED_FOLDERS,
  lookUp,
  type ProgramPlace,
  real,
  twinsOf,
} from "./program-files.ts";
import { isWithin } from "./protected.ts";
import type { RunPermission } from "./run-permission.ts";
import { anyProgram, type RunRules } from "./run-rules.ts";

/** Programs as they are shown. `cover`: real paths that get `mask` mounted over; `only`: folders that show no program but these. */
export type ShownPrograms = {
  rules: RunRules;
  mask: string;
  cover: string[];
  only: { folders: string[]; files: string[]; links: { path: string; to: string }[] } | undefined;
  /** What was asked for and does nothing here. */
  warnings: string[];
};

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
    permission.others === "deny" ? onlyThese([...allowed, ...asked, place.bun]) : { only: undefined, hidden: [] };
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
