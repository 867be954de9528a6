// Whose turn it was, as two gateways of one home see it, and where nothing can be written.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultModelPolicy, type PolicyMode } from "#src/routing/policy.ts";
import { makePool } from "#src/routing/rotation.ts";
import { type Db, openDatabase } from "#src/state/database.ts";
import { openHome } from "#src/state/paths.ts";
import { openRotation } from "#src/state/rotation.ts";

const dirs: string[] = [];
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

function newHome() {
  const dir = mkdtempSync(join(tmpdir(), "broke-rotation-"));
  dirs.push(dir);
  return openHome({ BROKE_HOME: dir });
}

const members = ["a", "b", "c"];
const turnOf = (mode: PolicyMode, member: string, pool: string = mode) => ({
  turns: { model: { pool: makePool(pool, { ...defaultModelPolicy, mode }, members), member }, key: null },
});

/** The same connection, counting the rows that all its queries give. */
function counting(db: Db): { db: Db; rows(): number } {
  let rows = 0;
  const query = (sql: string) => {
    const statement = db.query(sql);
    return new Proxy(statement, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          const got: unknown = value.apply(target, given);
          if (name === "all") rows += (got as unknown[]).length;
          return got;
        };
      },
    });
  };
  const counted = new Proxy(db, {
    get(target, name) {
      if (name === "query") return query;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { db: counted, rows: () => rows };
}

test("a turn taken by another gateway is read by itself, however much is remembered", () => {
  const home = newHome();
  using one = openDatabase(home);
  using other = openDatabase(home);
  const here = openRotation(one);
  for (let session = 0; session < 2_000; session++) here.worked(turnOf("sticky", "b"), `s${session}`);
  here.flush();
  const counted = counting(other);
  const there = openRotation(counted.db);
  expect(there.choice("sticky", "s1999")).toBe("b");
  const whole = counted.rows();
  for (const member of ["c", "a", "b"]) {
    here.begun(turnOf("round_robin", member));
    here.worked(turnOf("sticky", member), "s7");
    here.flush();
    // Where others look every moment, one may have just begun.
    Bun.sleepSync(2);
    expect([there.last("round_robin"), there.choice("sticky", "s7"), there.choice("sticky", "s8")]).toEqual([
      ...[member, member],
      "b",
    ]);
  }
  expect(counted.rows() - whole).toBe(6);
});

test("of more sessions than are remembered the oldest go, and nothing else does", () => {
  const home = newHome();
  using db = openDatabase(home);
  const here = openRotation(db);
  here.begun(turnOf("round_robin", "c"));
  here.begun(turnOf("weighted", "a"));
  for (let session = 0; session < 25_000; session++) here.worked(turnOf("sticky", "b"), `s${session}`);
  here.flush();
  using again = openDatabase(home);
  for (const store of [here, openRotation(again)])
    expect([
      store.last("round_robin"),
      store.position("weighted"),
      store.choice("sticky", "s24999"),
      store.choice("sticky", "s15000"),
      store.choice("sticky", "s14999"),
    ]).toEqual(["c", 1, "b", "b", undefined]);
});

test("a turn that cannot be written down counts here, and is written when it can", async () => {
  const home = newHome();
  using db = openDatabase(home);
  using holder = openDatabase(home);
  const here = openRotation(db);
  db.run("PRAGMA busy_timeout = 0");
  holder.run("BEGIN IMMEDIATE");
  here.begun(turnOf("round_robin", "b"));
  expect(() => here.flush()).not.toThrow();
  here.begun(turnOf("round_robin", "c"));
  // What is written behind the answers must not end the process either.
  await new Promise((resolve) => setImmediate(resolve));
  expect(here.last("round_robin")).toBe("c");
  holder.run("COMMIT");
  here.flush();
  expect(openRotation(holder).last("round_robin")).toBe("c");
});
