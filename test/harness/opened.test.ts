// A look into folders that were closed to their owner: everything in them is seen, every mode is given back, and it costs no more than in proportion.
// As a plain user, for root is kept out of nothing.

import { expect, test } from "bun:test";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "#test/support/broke.ts";

const UID = 54_322;
const asUser = process.getuid!() === 0 ? ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"] : [];

/** Runs a program on a folder that `make` filled, and returns what it says. */
function look(make: string, program: string): unknown {
  const dir = mkdtempSync(join(tmpdir(), "broke-opened-"));
  if (asUser.length > 0) chownSync(dir, UID, UID);
  try {
    const script = `
      import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
      import { closeAgain, walkOpening } from "${ROOT}/harness/opened.ts";
      process.chdir(${JSON.stringify(dir)});
      ${make};
      const opened = [], unread = [];
      ${program}`;
    const ran = Bun.spawnSync([...asUser, process.execPath, "-e", script], { cwd: ROOT });
    if (ran.exitCode !== 0) throw new Error(String(ran.stderr));
    return JSON.parse(String(ran.stdout));
  } finally {
    Bun.spawnSync(["chmod", "-R", "u+rwx", dir]);
    rmSync(dir, { recursive: true, force: true });
  }
}

const walked = (limit = 100) => `
  const seen = [...walkOpening(process.cwd(), opened, (path) => unread.push(String(path)), ${limit})];
  const before = opened.map(({ path, mode }) => String(path) + " " + mode.toString(8)).sort();
  closeAgain(process.cwd(), opened);
  const modes = ["a", "b"].map((name) => (statSync(name).mode & 0o7777).toString(8));
  const paths = seen.map(({ path, stat }) => String(path) + " " + (stat.mode & 0o7777n).toString(8)).sort();
  console.log(JSON.stringify({ paths, before, modes, unread }));`;

const MADE = `
  for (const name of ["a/b", "b"]) mkdirSync(name, { recursive: true });
  for (const name of ["a/b/f", "b/g"]) { writeFileSync(name, "x"); chmodSync(name, 0o644); }
  chmodSync("a/b", 0); chmodSync("a", 0o1000); chmodSync("b", 0o400)`;

test("closed ones in closed ones, and those that may be read and not searched; entries are told as they were", () => {
  expect(look(MADE, walked())).toEqual({
    paths: ["a 1000", "a/b 0", "a/b/f 644", "b 400", "b/g 644"],
    before: ["a 1000", "a/b 0", "b 400"],
    modes: ["1000", "400"],
    unread: [],
  });
});

test("beyond the limit they stay closed, and are told", () => {
  const { modes, before, unread } = look(MADE, walked(1)) as Record<"modes" | "before" | "unread", string[]>;
  expect([modes, before!.length, unread!.length > 0]).toEqual([["1000", "400"], 1, true]);
});

test("many of them, one in another or beside one another, take no longer than a look at as many others", () => {
  const make = `
    for (let at = 0; at < 10_000; at++) mkdirSync("w" + at, at % 2 === 0 ? 0 : 0o755);
    const chain = Array.from({ length: 300 }, (_, at) => Array(at + 1).fill("c").join("/"));
    for (const path of chain) mkdirSync(path);
    for (const path of chain.reverse()) chmodSync(path, 0)`;
  const program = `
    const began = performance.now();
    let seen = 0;
    for (const _ of walkOpening(process.cwd(), opened, (path) => unread.push(String(path)))) seen += 1;
    closeAgain(process.cwd(), opened);
    console.log(JSON.stringify({ seen, opened: opened.length, unread, quick: performance.now() - began < 10_000 }));`;
  expect(look(make, program)).toEqual({ seen: 10_300, opened: 5_300, unread: [], quick: true });
}, 60_000);
