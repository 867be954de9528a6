// Folders nobody should be let loose in, and folders whose names or contents try to be more than that.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import * as libc from "#sandbox/libc.ts";

let bench: Bench;
let at: (name: string) => string;
beforeAll(() => {
  bench = makeBench();
  at = (name) => join(bench.env["HOME"]!, name);
});
afterAll(() => bench[Symbol.dispose]());

const run = (cwd: string, ...command: string[]) =>
  bench.broke(["harness", "run", "--client", "exec", "--", ...command], { cwd });
const list = async (id: string) => (await bench.broke(["harness", "show", id])).stdout.split("\n");

describe("odd names are only names", () => {
  const long = ["d", "e", "f", "g"].map((letter) => letter.repeat(200)).join("/");
  const names = [
    "a b'\"$(touch x)`touch y`",
    "--",
    "--bind",
    "line\nverdict.issued  BLOCK",
    "x\u202e\u009b31mred",
    long,
  ];
  for (const name of names) {
    test(JSON.stringify(name.slice(0, 40)), async () => {
      const cwd = at(join("projects", name));
      mkdirSync(cwd, { recursive: true });
      const ran = await run(cwd, "sh", "-c", "pwd > here");
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "" });
      expect(readFileSync(join(cwd, "here"), "utf8")).toBe(`${cwd}\n`);
      expect(readdirSync(cwd)).toEqual(["here"]);
      const lines = await list(runIdOf(ran));
      expect(lines.filter((line) => line.startsWith("verdict.issued"))).toEqual([]);
      expect(lines.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      const json = (await bench.broke(["harness", "events", runIdOf(ran), "--json"])).stdout;
      expect(JSON.parse(json.split("\n")[0]!).data.workspace).toBe(cwd);
      expect(json.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    });
  }
});

describe("refused before anything is made there", () => {
  const cases: [string, () => string][] = [
    ["/", () => "/"],
    ["the home", () => at("")],
    ["BROKE_HOME", () => bench.home],
    ["what is in BROKE_HOME", () => join(bench.home, "runs")],
    ["BROKE_HOME by way of a link", () => (symlinkSync(bench.home, at("link")), at("link"))],
  ];
  for (const [name, folder] of cases) {
    test(name, async () => {
      await bench.broke(["status"]);
      const before = readdirSync(bench.home);
      const ran = await run(folder(), "true");
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 4, stdout: "" });
      expect(readdirSync(bench.home)).toEqual(before);
    });
  }

  test("a folder that is gone", async () => {
    const folder = at("gone");
    mkdirSync(folder);
    const script = `cd ${folder} && rmdir ${folder} && exec ${LAUNCHER} harness run --client exec -- true`;
    const child = Bun.spawn(["/bin/sh", "-c", script], { env: bench.env, stdio: ["ignore", "ignore", "pipe"] });
    expect(await new Response(child.stderr).text()).toContain("broke: the folder you are in is gone\n");
    expect(await child.exited).toBe(2);
  });
});

test("pipes under protected names are opened by nobody, and cannot be taken away", async () => {
  const cwd = at("pipes");
  mkdirSync(cwd);
  const names = [".env", ".git", ".mcp.json", ".npmrc"];
  for (const name of names) libc.makePipe(join(cwd, name));
  const ran = await run(cwd, "sh", "-c", "rm -f .git .mcp.json .npmrc; echo over");
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "over\n" });
  expect(readdirSync(cwd).sort()).toEqual(names);
});

/** Processes of this machine, inside a sandbox or not, whose command line holds the word. */
function runningWith(word: string): string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it ended while we looked
  }
}

test("a client that leaves children behind, or ends every process it can, ends like any other", async () => {
  const cwd = at("leaver");
  mkdirSync(cwd);
  const mark = `late-${process.pid}`;
  const left = await run(cwd, "sh", "-c", `(setsid sh -c 'sleep 60; echo ${mark} > late' &); exit 7`);
  expect(left.code).toBe(7);
  const killer =
    "for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = $$ ] || kill -9 $p; done 2>/dev/null; kill -9 -1; exit 7";
  expect((await run(cwd, "sh", "-c", killer)).code).toBe(7);
  expect(runningWith(mark)).toEqual([]);
  expect(readdirSync(cwd)).toEqual([]);
});
