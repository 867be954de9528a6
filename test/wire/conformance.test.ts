// The wire's contract, row by row, and the router's policies: every one names the tests that show it, and those tests exist. A name is a test's
// own, or a case's in a folder that the test file reads; then the case names the row in turn.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import table from "../cases/wire/rows.json";

type Places = Record<string, string[]>;
type Row = { row: number; directions: string; title: string; places: Places };
type Policy = { row: string; title: string; places: Places };

const ROWS = 76;
const POLICIES = 13;
/** What nothing shows yet, and why. */
const PENDING = ["P12"];
/** Rows that are about what goes on between the whole gateway and others; all the rest are played between every pairing. */
const BY_THE_GATEWAY = [46, 55, 56, 57, 58, 68, 73, 75];

const root = join(import.meta.dir, "../..");
const rows = table.rows as unknown as Row[];
const policies = table.policies as unknown as Policy[];

/** The folders below test/cases/wire/ whose cases a test file runs. */
function foldersOf(code: string): string[] {
  return [...code.matchAll(/loadCases<[^"]*>\(\s*"([^"]+)"/g)].map((match) => match[1]!);
}

function isCase(code: string, name: string, row: number | string): boolean {
  return foldersOf(code).some((folder) => {
    const path = join(root, "test/cases/wire", folder, `${name}.json`);
    if (!existsSync(path)) return false;
    const { rows: shown } = JSON.parse(readFileSync(path, "utf8")) as { rows?: (number | string)[] };
    return shown?.includes(row) === true;
  });
}

/** The places that are not there. */
function missing({ row, places }: Row | Policy): string[] {
  return Object.entries(places).flatMap(([file, names]) => {
    if (!existsSync(join(root, file))) return [file];
    const code = readFileSync(join(root, file), "utf8");
    return names
      .filter((name) => !code.includes(`"${name}"`) && !isCase(code, name, row))
      .map((name) => `${file}: ${name}`);
  });
}

const isShown = ({ places }: Row | Policy) => Object.values(places).some((names) => names.length > 0);

test("the table is whole", () => {
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
  expect(policies.map(({ row }) => row)).toEqual(Array.from({ length: POLICIES }, (_, at) => `P${at + 1}`));
});

test("nothing is pending but what is named here, with its reason", () => {
  expect(table.pending.map(({ row }) => row)).toEqual(PENDING);
  expect(table.pending.filter(({ why }) => why.length < 20)).toEqual([]);
  expect([...rows, ...policies].filter((each) => !isShown(each)).map(({ row }) => String(row))).toEqual(PENDING);
});

describe("every row and policy is shown by tests that exist", () => {
  for (const each of [...rows, ...policies]) {
    const directions = "directions" in each ? ` ${each.directions}` : "";
    test(`${each.row}${directions}: ${each.title}`, () => {
      expect(missing(each)).toEqual([]);
    });
  }
});

test("every row but the gateway's own is played between the pairings", () => {
  const played = rows.filter(({ places }) => (places["test/wire/pairings.test.ts"] ?? []).length > 0);
  const others = rows.filter((row) => !played.includes(row));
  expect(others.map(({ row }) => row)).toEqual(BY_THE_GATEWAY);
});

test("every scene between the pairings is named by the rows it names", () => {
  const folder = join(root, "test/cases/wire/pairings");
  const named = (file: string): string[] => {
    const name = file.replace(".json", "");
    const { rows: shown } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { rows: number[] };
    return shown
      .filter((row) => !rows[row - 1]!.places["test/wire/pairings.test.ts"]?.includes(name))
      .map((row) => `${row}: ${name}`);
  };
  expect(readdirSync(folder).flatMap(named)).toEqual([]);
});
