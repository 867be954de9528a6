// Trouble with storage is told as such, as SQLite and the system really report it.

import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { storageError } from "#src/core/system-errors.ts";
import { makeBench } from "#test/support/broke.ts";

const HOME_HINT = "BROKE_HOME must be a folder that you may write to, with room left";

function refusalOf(act: () => unknown) {
  try {
    act();
  } catch (error) {
    const told = storageError(error);
    return told && [told.kind, told.message, told.hint];
  }
  throw new Error("it was done");
}

test("a database that is held, read-only, full or not there", () => {
  using bench = makeBench();
  const file = join(bench.workspace, "a.db");
  using db = new Database(file, { create: true });
  db.run("CREATE TABLE t (x TEXT)");
  using other = new Database(file);
  other.run("BEGIN IMMEDIATE");
  const write = (into: Database) => () => into.run("INSERT INTO t VALUES (?)", ["x".repeat(100_000)]);
  expect(refusalOf(write(db))).toEqual(["busy", "broke.db is held by another process", "try again"]);
  other.run("ROLLBACK");
  using readonly = new Database(file, { readonly: true });
  const unwritable = ["missing", "broke.db cannot be written to", HOME_HINT];
  expect(refusalOf(write(readonly))).toEqual(unwritable);
  db.run("PRAGMA max_page_count = 2");
  expect(refusalOf(write(db))).toEqual(unwritable);
  expect(refusalOf(() => new Database(join(bench.workspace, "none", "a.db")))).toEqual(unwritable);
});

test("a full disk; and what is none of it", () => {
  expect(refusalOf(() => writeFileSync("/dev/full", "x"))).toEqual([
    "missing",
    "a file cannot be written: no room is left there, or it is read-only",
    undefined,
  ]);
  for (const error of [new Error("x"), null, undefined, "SQLITE_BUSY", { code: "ENOENT" }])
    expect(storageError(error)).toBeUndefined();
});

test("a command that waited in vain for the database says who has it", async () => {
  using bench = makeBench();
  await bench.broke(["init"]);
  using db = new Database(join(bench.home, "broke.db"));
  db.run("BEGIN IMMEDIATE");
  expect(await bench.broke(["settings", "lossless=on"])).toEqual({
    code: 3,
    stdout: "",
    stderr: "broke: broke.db is held by another process\nbroke: try again\n",
  });
});
