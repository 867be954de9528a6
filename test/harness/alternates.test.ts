// Lists of borrowed objects as git reads them: each case is asked of git too.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAlternates } from "#harness/alternates.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "broke-alternates-"));
  Bun.spawnSync(["git", "init", "-q", "own"], { cwd: dir });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Which of the folders named here git borrows from. */
function gitBorrows(list: Buffer, names: readonly string[]): string[] {
  for (const name of names) {
    const folder = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, "latin1")]);
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(join(dir, "own/.git/objects/info/alternates"), list);
  const said = Bun.spawnSync(["git", "count-objects", "-v"], { cwd: join(dir, "own") }).stdout.toString("latin1");
  const from = `alternate: ${dir}/`;
  const unquoted = said.replace(/"(.*)"/g, (_, inside: string) =>
    inside.replace(/\\(\d{3}|.)/g, (_whole, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code === "t" ? "\t" : code,
    ),
  );
  return unquoted.split("\n").flatMap((line) => (line.startsWith(from) ? [line.slice(from.length)] : []));
}

test.each([
  ["plain ones, a comment, an empty line, no end", "@/a\n#@/b\n\n@/c", ["a", "b", "c"], ["a", "c"]],
  ["in quotes", '"@/a b"\n"@/c\\"d"\n', ["a b", 'c"d'], ["a b", 'c"d']],
  ["with escapes", '"@/\\303\\251\\t"\n@/a\n', ["\u00c3\u00a9\t", "a"], ["\u00c3\u00a9\t", "a"]],
  ["quotes that are not closed, or hold what is no escape", '"@/a\n"@/b\\q"\n@/c\n', ["a", "b", "c"], ["c"]],
  ["bytes that are no text", "@/\u00ff\n", ["\u00ff"], ["\u00ff"]],
])("%s", (_, list, names, expected) => {
  const written = Buffer.from(list.replaceAll("@", dir), "latin1");
  const parsed = parseAlternates(written).map((path) => path.toString("latin1"));
  const known = names.filter((name) => parsed.includes(`${dir}/${name}`));
  expect([known, gitBorrows(written, names)]).toEqual([expected, expected]);
});
