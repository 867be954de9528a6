// The broke that runs, within reach of a worker that may write where it lies: nothing that the next command loads is the worker's to change.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, ROOT } from "#test/support/broke.ts";

let bench: Bench;
let tools = "";
let broke = "";

/** A checkout of its own, whose packages are this one's. */
beforeAll(() => {
  bench = makeBench();
  tools = join(bench.env["HOME"]!, "tools");
  broke = join(tools, "broke");
  mkdirSync(join(broke, "docs"), { recursive: true });
  const parts = ["src", "harness", "sandbox", "acp", "shims", "package.json", "package-lock.json", "tsconfig.json"];
  const copy = (...words: string[]) => Bun.spawnSync(["cp", ...words, `${broke}/`], { cwd: ROOT }).success;
  expect(copy("-a", ...parts)).toBe(true);
  if (!copy("-al", "node_modules")) expect(copy("-a", "node_modules")).toBe(true);
});
afterAll(() => bench[Symbol.dispose]());

const TRIES = `
try() { if ( "$@" ) 2>/dev/null; then echo "$*: done"; else echo "$*: refused"; fi; }
add() { echo '{}' >>"$1"; }
hide() { mv "$1" "$1.moved"; }
`;

async function tryAll(cwd: string, tries: string[], ...options: string[]) {
  const script = `${TRIES}${tries.map((each) => `try ${each}\n`).join("")}`;
  const words = ["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script];
  const child = Bun.spawn([join(broke, "shims/broke"), ...words], {
    ...{ cwd, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { done: stdout.split("\n").filter((line) => line !== ""), stderr };
}

const FILES = ["package.json", "tsconfig.json", "package-lock.json"];
const MISSING = ["jsconfig.json", "bunfig.toml"];
const all = (folder: string) => [...FILES, ...MISSING, "node_modules/planted"].map((name) => `add ${folder}${name}`);
const refused = (tries: string[]) => tries.map((each) => `${each}: refused`);
const texts = () => [...FILES, "src/main.ts"].map((name) => readFileSync(join(broke, name), "utf8"));

test("in a folder that may be written: all of it is read-only, what is missing in it too", async () => {
  const before = [texts(), readdirSync(broke)];
  const at = "../tools/broke/";
  const tries = [...all(at), `add ${at}new`, `add ${at}src/new.ts`, `add ${at}docs/new`, `hide ${at.slice(0, -1)}`];
  for (const options of [
    ["--allow-write=../tools"],
    ["--allow-write=../tools,../tools/broke/docs"],
    ["--allow-write"],
  ]) {
    const { done, stderr } = await tryAll(bench.workspace, [...tries, "add ../tools/beside"], ...options);
    expect({ options, done, stderr }).toEqual({
      ...{ options, done: [...refused(tries), "add ../tools/beside: done"] },
      stderr: expect.stringContaining("exit 0"),
    });
    expect([texts(), readdirSync(broke)]).toEqual(before);
  }
});

test("a folder of it that is named itself is not writable either", async () => {
  const tries = ["add ../tools/broke/src/core/new.ts", "add ../tools/broke/docs/new"];
  for (const options of [
    ["--allow-write=../tools/broke/src/core,../tools/broke/docs"],
    ["--allow-write=../tools/broke"],
  ])
    expect((await tryAll(bench.workspace, tries, ...options)).done).toEqual(refused(tries));
});

test("what is looked for in the folders above it is swept, where it was not there, and else read-only", async () => {
  const tries = ["add ../tools/jsconfig.json", "mkdir -p ../tools/node_modules/planted"];
  const { done, stderr } = await tryAll(bench.workspace, tries, "--allow-write=../tools");
  expect(done).toEqual(tries.map((each) => `${each}: done`));
  expect(stderr).toContain(`protected name "${tools}/jsconfig.json" quarantined`);
  expect(["jsconfig.json", "node_modules"].map((name) => existsSync(join(tools, name)))).toEqual([false, false]);
  mkdirSync(join(tools, "node_modules"));
  const again = ["mkdir ../tools/node_modules/planted"];
  expect((await tryAll(bench.workspace, again, "--allow-write=../tools")).done).toEqual(refused(again));
});

test("as the workspace: a warning, and what says which code is loaded is read-only", async () => {
  const before = texts();
  const tries = all("");
  const running = `${join(broke, "shims/broke")} status`;
  const child = tryAll(broke, [...tries, "add docs/new", "sleep 1"]);
  while (!existsSync(join(broke, "bunfig.toml"))) await Bun.sleep(10);
  const beside = Bun.spawnSync(["sh", "-c", running], { env: bench.env, cwd: bench.workspace });
  expect(beside.stderr.toString()).toBe("");
  const { done, stderr } = await child;
  expect(done).toEqual([...refused(tries), "add docs/new: done", "sleep 1: done"]);
  expect(stderr).toContain("the workspace holds the broke that runs it");
  expect(texts()).toEqual(before);
  expect(MISSING.map((name) => existsSync(join(broke, name)))).toEqual([false, false]);
});

test("a folder in it as the workspace is written to, whatever else is allowed", async () => {
  chmodSync(join(broke, "docs"), 0o755);
  const tries = ["add here", "add ../package.json"];
  const { done } = await tryAll(join(broke, "docs"), tries, "--allow-write=../..");
  expect(done).toEqual(["add here: done", "add ../package.json: refused"]);
});
