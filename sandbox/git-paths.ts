// Which other paths a repository's configuration makes git run or obey: its hooks' folder, where that is another one, and the files it includes.
// Reads configuration files of the workspace by descriptor and without git.
// Does not stop: programs in the workspace that a configuration names in a command line; the person's own configuration (~/.gitconfig).

import { posix } from "node:path";
import { type ConfigEntry, entryName, parseGitConfig } from "./git-config.ts";
import { readBeneath } from "./open.ts";

export type GitPath = { path: string; kind: "file" | "dir" };

const MAX_CONFIG_BYTES = 1024 * 1024;
const MAX_INCLUDED = 20;
const INCLUDES = /^(include|includeif\..*)\.path$/;

/** A path as git takes it, below the workspace; undefined: it lies elsewhere, or is the workspace itself. */
function inWorkspace(root: string, from: string, value: string): string | undefined {
  if (value === "" || value.startsWith("~") || value.startsWith("%(prefix)")) return undefined;
  const path = posix.relative(root, posix.resolve(root, from, value));
  return path === "" || path === ".." || path.startsWith("../") ? undefined : path;
}

/** Hooks' folders among these entries. They are relative to where the repository's files are (git-config(1), core.hooksPath). */
export function hookFolders(root: string, files: string, entries: ConfigEntry[]): string[] {
  return entries.flatMap((entry) => {
    const path = entryName(entry) === "core.hookspath" ? inWorkspace(root, files, entry.value ?? "") : undefined;
    return path === undefined ? [] : [path];
  });
}

/** Those paths of one repository, relative to the workspace `root`. */
export function gitPaths(root: string, repository: string): GitPath[] {
  const files = /(^|\/)\.git$/.test(repository) ? posix.dirname(repository) : repository;
  const found: GitPath[] = [];
  const pending = ["config", "config.worktree"].map((name) => posix.join(repository, name));
  for (const config of pending) {
    const entries = parseGitConfig(readBeneath(root, config, MAX_CONFIG_BYTES)?.toString("utf8") ?? "") ?? [];
    found.push(...hookFolders(root, files, entries).map((path) => ({ path, kind: "dir" as const })));
    for (const entry of entries.filter((one) => INCLUDES.test(entryName(one)))) {
      const path = inWorkspace(root, posix.dirname(config), entry.value ?? "");
      if (path === undefined || pending.includes(path) || pending.length > MAX_INCLUDED) continue;
      found.push({ path, kind: "file" });
      pending.push(path);
    }
  }
  return found;
}
