// A tree before the worker's first turn, kept to say afterwards what became of it: a hash of all of it, and the text of its small files. Held in
// memory, bounded, read once; files with the names of secrets are hashed and not kept. A tree that is too large is not read at all.
// Does not stop: a change that leaves a file as it was, content and inode's times, which no unprivileged process can do.

import { lstatSync } from "node:fs";
import { isSecretName } from "#sandbox/protected-names.ts";
import { below } from "#sandbox/tree.ts";
import { type Entry, entryOf, type Inventory } from "../inventory.ts";
import { hashLines, isGitPath, treeLine, WHOLE_BYTES } from "../tree-hash.ts";

const MIB = 1024 ** 2;
/** 2 000 files of 5 KiB take 45 ms; these bounds keep the largest tree below a second. */
export const SNAPSHOT_LIMITS = { files: 20_000, bytes: 256 * MIB, text: 64 * MIB } as const;

/** Paths are a character a byte, as an inventory has them. */
export type Snapshot = {
  /** Undefined: the tree was too large, or could not be looked at whole. */
  sha256: string | undefined;
  lines: ReadonlyMap<string, string>;
  texts: ReadonlyMap<string, string>;
};

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a file's bytes; undefined for what is none. */
export function textOf(content: Uint8Array): string | undefined {
  if (content.includes(0)) return undefined;
  try {
    return strict.decode(content);
  } catch {
    return undefined;
  }
}

function isTooLarge({ entries, complete }: Inventory): boolean {
  if (!complete) return true;
  let files = 0;
  let bytes = 0;
  for (const [path, { kind, size }] of entries) {
    if (kind !== "file" || isGitPath(path)) continue;
    files += 1;
    bytes += size;
  }
  return files > SNAPSHOT_LIMITS.files || bytes > SNAPSHOT_LIMITS.bytes;
}

/** Whether a file is one of those that are masked in a run, by its name. */
export const isSecretPath = (path: string): boolean => isSecretName(path.slice(path.lastIndexOf("/") + 1));

/** Reads the tree. */
export function takeSnapshot(root: string, inventory: Inventory): Snapshot {
  const lines = new Map<string, string>();
  const texts = new Map<string, string>();
  if (isTooLarge(inventory)) return { sha256: undefined, lines, texts };
  let left: number = SNAPSHOT_LIMITS.text;
  for (const [path, entry] of inventory.entries) {
    if (isGitPath(path)) continue;
    const keep = entry.size <= Math.min(WHOLE_BYTES, left) && !isSecretPath(path) && !path.includes("node_modules/");
    const onWhole = (content: Buffer) => {
      const text = textOf(content);
      if (text === undefined) return;
      left -= content.length;
      texts.set(path, text);
    };
    lines.set(path, treeLine(root, Buffer.from(path, "latin1"), entry, keep ? onWhole : undefined));
  }
  return { sha256: hashLines([...lines.values()]), lines, texts };
}

const same = (one: Entry | undefined, other: Entry) =>
  one !== undefined && one.kind === other.kind && one.mode === other.mode && one.stamp === other.stamp;

/** The hash of the tree as it is now; only what changed is read. Undefined where there was none before, or the tree grew too large. */
export function hashAgain(root: string, start: Snapshot, before: Inventory, after: Inventory): string | undefined {
  if (start.sha256 === undefined || isTooLarge(after)) return undefined;
  const lines: string[] = [];
  for (const [path, entry] of after.entries) {
    if (isGitPath(path)) continue;
    const known = entry.kind === "file" && same(before.entries.get(path), entry) ? start.lines.get(path) : undefined;
    lines.push(known ?? treeLine(root, Buffer.from(path, "latin1"), entry));
  }
  return hashLines(lines);
}

/** Whether what is at a path (as text) is what it was, but for its times; as far as the snapshot goes. */
export function isOnlyTouched(root: string, start: Snapshot, path: string): boolean {
  const bytes = Buffer.from(path);
  const was = start.lines.get(bytes.toString("latin1"));
  const stat = lstatSync(below(root, bytes), { bigint: true, throwIfNoEntry: false });
  return was !== undefined && stat !== undefined && treeLine(root, bytes, entryOf(stat)) === was;
}
