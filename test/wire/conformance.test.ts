// The wire's contract, row by row: every row of the table names the tests that show it, and those tests exist. A name is a test's own, or a
// case's in a folder that the test file reads; then the case names the row in turn.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import table from "../cases/wire/rows.json";

type Row = { row: number; directions: string; title: string; places: Record<string, string[]> };

const ROWS = 76;
/** What is shown where the whole gateway runs, or by the Gemini dialect. */
const ELSEWHERE = [51, 52, 53, 54, 55, 56, 57, 58, 68, 69, 70, 71, 72, 73, 74, 75, 76];

const root = join(import.meta.dir, "../..");
const rows = table.rows as unknown as Row[];
const pending: number[] = table.pending;

/** The folders below test/cases/wire/ whose cases a test file runs. */
function foldersOf(code: string): string[] {
  return [...code.matchAll(/loadCases<[^"]*>\(\s*"([^"]+)"/g)].map((match) => match[1]!);
}

function isCase(code: string, name: string, row: number): boolean {
  return foldersOf(code).some((folder) => {
    const path = join(root, "test/cases/wire", folder, `${name}.json`);
    if (!existsSync(path)) return false;
    const { rows: shown } = JSON.parse(readFileSync(path, "utf8")) as { rows?: number[] };
    return shown?.includes(row) === true;
  });
}

/** The places that are not there. */
function missing({ row, places }: Row): string[] {
  return Object.entries(places).flatMap(([file, names]) => {
    if (!existsSync(join(root, file))) return [file];
    const code = readFileSync(join(root, file), "utf8");
    return names
      .filter((name) => !code.includes(`"${name}"`) && !isCase(code, name, row))
      .map((name) => `${file}: ${name}`);
  });
}

test("the table is whole", () => {
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
});

test("only what is shown elsewhere may be pending", () => {
  expect(pending.filter((row) => !ELSEWHERE.includes(row))).toEqual([]);
  expect(pending).toEqual([...new Set(pending)].toSorted((a, b) => a - b));
});

describe("every row is shown by tests that exist", () => {
  for (const each of rows) {
    const { row, directions, title, places } = each;
    test(`${row} ${directions}: ${title}`, () => {
      expect(missing(each)).toEqual([]);
      const shown = Object.values(places).some((names) => names.length > 0);
      expect(shown || pending.includes(row)).toBe(true);
    });
  }
});
