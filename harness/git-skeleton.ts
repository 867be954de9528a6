// The skeleton of a repository that a run works in, or that its result is put together in: made by hand, with a configuration of ours and
// objects borrowed from the operator's repository.
// Does not stop: the run from reading every object of those repositories.

import { closeSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BatchBind } from "#sandbox/batch.ts";
import { openFolder } from "#sandbox/open.ts";
import { copyFileAt } from "./copy-tree.ts";
import { objectParts } from "./borrowed.ts";
import { objectsAt } from "./git.ts";
import { type ConfigEntry, entryName } from "#sandbox/git-config.ts";
import type { Repository } from "./repository.ts";

/** Settings of the repository that say how its files are written and its history shown; nothing that runs, reaches or names a credential. */
const CARRIED =
  /^(core\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode|quotepath|sparsecheckout|sparsecheckoutcone)|user\.(name|email)|extensions\.objectformat|branch\..*\.(merge|rebase)|pull\.(rebase|ff)|merge\.conflictstyle)$/;

const quote = (value: string) =>
  `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;

function configText(config: ConfigEntry[], bare: boolean): string {
  const sha256 = config.some((entry) => entryName(entry) === "extensions.objectformat" && entry.value !== "sha1");
  const own = `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n\tbare = ${bare}\n\tlogallrefupdates = ${!bare}\n`;
  const carried = config
    .filter((entry) => CARRIED.test(entryName(entry)))
    .map(({ section, subsection, key, value }) => {
      const header = subsection === null ? `[${section}]` : `[${section} ${quote(subsection)}]`;
      return `${header}\n\t${key}${value === null ? "" : ` = ${quote(value)}`}\n`;
    });
  return own + carried.join("");
}

/** A repository's skeleton in a new folder, its objects borrowed. */
export function makeGitDir(
  path: string,
  { gitDir, commonDir, config, head, objects }: Repository,
  bare: boolean,
): void {
  for (const folder of ["", "objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks"])
    mkdirSync(join(path, folder), { recursive: true, mode: 0o700 });
  writeFileSync(join(path, "config"), configText(config, bare));
  writeFileSync(join(path, "HEAD"), head.ref === null ? `${head.oid}\n` : `ref: ${head.ref}\n`);
  writeFileSync(join(path, "objects/info/alternates"), objects.map((_, index) => `${objectsAt(index)}\n`).join(""));
  const copied: [string, string][] = [
    ...["info/exclude", "shallow"].map((name): [string, string] => [commonDir, name]),
    ...["index", "info/sparse-checkout"].map((name): [string, string] => [gitDir, name]),
    ...readdirSync(gitDir)
      .filter((name) => name.startsWith("sharedindex."))
      .map((name): [string, string] => [gitDir, name]),
  ];
  for (const [from, name] of copied) {
    const folder = openFolder(from);
    try {
      if (lstatSync(join(from, name), { throwIfNoEntry: false })?.isFile())
        copyFileAt(folder, Buffer.from(name), Buffer.from(join(path, name)));
    } finally {
      closeSync(folder);
    }
  }
}

/** What of folders of objects is shown where; their own lists of others are shown empty, because all are there already. */
export function borrowedBinds(objects: string[], landing: string): BatchBind[] {
  return objects.flatMap((path, index) => {
    const parts = objectParts(path);
    const binds = parts.map((part) => ({ path: join(path, part), target: join(objectsAt(index), part), write: false }));
    const others = parts.some((part) => part === "" || part === "info") && existsSync(join(path, "info/alternates"));
    return others
      ? [...binds, { path: join(landing, "empty"), target: `${objectsAt(index)}/info/alternates`, write: false }]
      : binds;
  });
}
