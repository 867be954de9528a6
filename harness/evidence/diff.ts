// What a run changed in its files, as one unified diff in git's own form, made from texts we read: git is never run on a tree that a worker wrote.
// Bounded in bytes and in time; a file that is no text, is too large or has the name of a secret is named and not shown.
// Does not stop: a diff from being hard to read; it says what there is.

import { formatPatch, OMIT_HEADERS, structuredPatch } from "diff";
import { readBeneath } from "#sandbox/open.ts";
import { showPath } from "#sandbox/tree.ts";
import type { Difference } from "../inventory.ts";
import { treeLine, WHOLE_BYTES } from "../tree-hash.ts";
import { isSecretPath, type Snapshot, textOf } from "./snapshot.ts";

const MAX_DIFF_BYTES = 4 * 1024 ** 2;
const FILE_MS = 500;
const ALL_MS = 5_000;
const EXECUTABLE = 0o111;

/** `omitted` are texts that did not fit, or took too long to compare; `cut` the bytes of the text that were left out altogether. */
export type TreeDiff = { text: string; files: number; omitted: number; cut: number };

type Side = { mode: string; text: string | undefined } | undefined;

/** A name as git writes it: bytes that are not plain ASCII in octal, the whole in quotes then. `path` has a character a byte. */
function quoted(path: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(path)) return path;
  const escaped = path
    .replace(/["\\]/g, (char) => `\\${char}`)
    .replace(/[^\x20-\x7e]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `"${escaped}"`;
}

/** The same on a line of its own, where a name with spaces ends in a tab. */
const onLine = (path: string) => `${quoted(path)}${path.includes(" ") ? "\t" : ""}`;

const modeOf = ({ kind, mode }: Difference["entry"]) =>
  kind === "link" ? "120000" : (mode & EXECUTABLE) !== 0 ? "100755" : "100644";

/** The target of a link as a tree's line keeps it. */
function targetIn(line: string | undefined): string | undefined {
  const hex: unknown = line === undefined ? undefined : (JSON.parse(line) as unknown[])[2];
  return typeof hex === "string" ? showPath(Buffer.from(hex, "hex")) : undefined;
}

const targetOf = (root: string, path: string) =>
  targetIn(treeLine(root, Buffer.from(path, "latin1"), { kind: "link", mode: 0 }));

const isShown = ({ kind }: Difference["entry"]) => kind === "file" || kind === "link";

function sidesOf(root: string, start: Snapshot, { path, change, entry, old }: Difference): [Side, Side] {
  const before: Side =
    change === "created" || old === undefined || !isShown(old)
      ? undefined
      : { mode: modeOf(old), text: old.kind === "link" ? targetIn(start.lines.get(path)) : start.texts.get(path) };
  if (change === "deleted" || !isShown(entry)) return [before, undefined];
  if (isSecretPath(path)) return [before, { mode: modeOf(entry), text: undefined }];
  const read = () => {
    const content = readBeneath(root, Buffer.from(path, "latin1"), WHOLE_BYTES);
    return content && textOf(content);
  };
  return [before, { mode: modeOf(entry), text: entry.kind === "link" ? targetOf(root, path) : read() }];
}

function headers(path: string, [before, after]: [Side, Side]): string {
  const modes =
    before === undefined
      ? `new file mode ${after!.mode}\n`
      : after === undefined
        ? `deleted file mode ${before.mode}\n`
        : before.mode === after.mode
          ? ""
          : `old mode ${before.mode}\nnew mode ${after.mode}\n`;
  return `diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}\n${modes}`;
}

/** The changes of one file; undefined when they took too long to find. */
function hunks(path: string, before: Side, after: Side, timeout: number): string | undefined {
  const patch = structuredPatch("", "", before?.text ?? "", after?.text ?? "", undefined, undefined, {
    context: 3,
    timeout,
  });
  if (patch === undefined) return undefined;
  if (patch.hunks.length === 0) return "";
  const from = before === undefined ? "/dev/null" : onLine(`a/${path}`);
  const to = after === undefined ? "/dev/null" : onLine(`b/${path}`);
  return `--- ${from}\n+++ ${to}\n${formatPatch(patch, OMIT_HEADERS)}`;
}

/** What git takes as one change each: a file that became a link is one that went and one that came. */
function stepsOf([before, after]: [Side, Side]): [Side, Side][] {
  const isLink = (side: Side) => side?.mode === "120000";
  if (before === undefined || after === undefined || isLink(before) === isLink(after)) return [[before, after]];
  return [
    [before, undefined],
    [undefined, after],
  ];
}

/** The diff of what changed. */
export function diffTree(root: string, start: Snapshot, differences: readonly Difference[]): TreeDiff {
  const until = performance.now() + ALL_MS;
  const parts: string[] = [];
  let [bytes, files, omitted, cut] = [0, 0, 0, 0];
  const add = (part: string) => {
    bytes += part.length;
    if (bytes <= 2 * MAX_DIFF_BYTES) parts.push(part);
    else cut += part.length;
  };
  for (const difference of differences) {
    const { path } = difference;
    const sides = sidesOf(root, start, difference);
    if (sides[0] === undefined && sides[1] === undefined) continue;
    files += 1;
    const isText = sides.every((side) => side === undefined || side.text !== undefined);
    // Between two changes git passes over any other line: what cannot be shown keeps nobody from applying the rest.
    if (!isText) {
      add(`Not shown, as it is no text or too large: ${quoted(path)}\n`);
      continue;
    }
    for (const [before, after] of stepsOf(sides)) {
      const left = Math.min(FILE_MS, until - performance.now());
      const found = left > 0 && bytes < MAX_DIFF_BYTES ? hunks(path, before, after, left) : undefined;
      if (found === undefined || bytes + found.length > MAX_DIFF_BYTES) {
        omitted += 1;
        add(`Not shown, as there is too much: ${quoted(path)}\n`);
      } else if (found !== "" || before?.mode !== after?.mode) add(`${headers(path, [before, after])}${found}`);
    }
  }
  return { text: parts.join(""), files, omitted, cut };
}
