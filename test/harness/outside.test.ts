// What somebody outside the sandbox is asked for, and what becomes of it: never where the run's rules are against it, never where the sandbox would not stand
// still, and nothing is believed of a path that became another meanwhile.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outsideOf } from "#harness/outside.ts";
import type { OutsideInput } from "#sandbox/outside.ts";
import { nothingShown } from "#sandbox/shown.ts";

type More = Partial<OutsideInput> & { still?: "no" };

function makeGround({ still, ...more }: More = {}) {
  const workspace = mkdtempSync(join(tmpdir(), "broke-outside-"));
  mkdirSync(join(workspace, "in"));
  writeFileSync(join(workspace, "in/a.txt"), "a\n");
  const events: string[] = [];
  const asked: string[] = [];
  const protect = {
    files: [],
    dirs: ["held"],
    missing: [{ path: "none", kind: "dir" as const }],
    masked: [],
    pins: [],
  };
  const outside = outsideOf(
    { workspace, tree: workspace, protect, shown: nothingShown, emptied: [], ...more },
    async (act) => (still === "no" ? undefined : act()),
    (event, { path, why }) => void events.push([event, String(path).slice(workspace.length + 1), why].join(" ").trim()),
  );
  return {
    ...{ workspace, events, asked },
    read: (path: string, ask: () => Promise<string> = async () => "text") =>
      outside.read(`${workspace}/${path}`, () => (asked.push(path), ask())),
    write: (path: string, ask: () => Promise<void> = async () => {}) =>
      outside.write(`${workspace}/${path}`, "text", () => (asked.push(path), ask())),
    swap: () => {
      renameSync(join(workspace, "in"), join(workspace, "was"));
      symlinkSync("/etc", join(workspace, "in"));
    },
    [Symbol.dispose]: () => rmSync(workspace, { recursive: true, force: true }),
  };
}

test("a file is read and written by whoever is asked, and both are on record", async () => {
  using ground = makeGround();
  expect(await ground.read("in/a.txt")).toEqual({ kind: "read", text: "text" });
  expect(await ground.read("in/unsaved.txt")).toEqual({ kind: "read", text: "text" });
  expect(await ground.read("in/unsaved.txt", async () => "")).toEqual({ kind: "own" });
  expect(await ground.write("in/a.txt")).toEqual({ kind: "written" });
  expect(await ground.write("in/a.txt", () => Promise.reject(new Error("no")))).toEqual({ kind: "failed" });
  expect(ground.events).toEqual([
    ...["outside.read in/a.txt", "outside.read in/unsaved.txt"],
    ...["outside.written in/a.txt", "outside.failed in/a.txt"],
  ]);
});

test.each<[string, More, string]>([
  ["a tree of the run's own", { tree: "/elsewhere" }, "in/a.txt"],
  ["a workspace that is another folder", { treeId: "0:0" }, "in/a.txt"],
  ["a sandbox that does not stand still", { still: "no" }, "in/a.txt"],
  ["a folder that is shown empty", { emptied: ["in"] }, "in/a.txt"],
  ["a file that is shown as something else", { replaced: [{ path: "in/a.txt", bytes: new Uint8Array() }] }, "in/a.txt"],
  ["a secret's name", {}, "in/.env.local"],
  ["git's own", {}, "in/.git/HEAD"],
  ["a folder that is not there", {}, "nowhere/a.txt"],
  ["a folder", {}, "in"],
  ["the workspace", {}, ""],
  ["what is above it", {}, "../a.txt"],
  ["a path that is not plain", {}, "in//a.txt"],
  ["a path with nothing in it", {}, "in/a\0b"],
  ["half a character", {}, "in/\ud83d"],
])("of %s nothing is asked", async (_, more, path) => {
  using ground = makeGround(more);
  expect([await ground.read(path), await ground.write(path)]).toEqual([{ kind: "own" }, { kind: "own" }]);
  expect(ground.asked).toEqual([]);
});

test.each(["held/x", "none/x", ".mcp.json", "in/.claude/hooks/x", ".github/workflows/ci.yml", ".vscode/tasks.json"])(
  "%s is never written",
  async (path) => {
    using ground = makeGround();
    mkdirSync(join(ground.workspace, path, ".."), { recursive: true });
    expect(await ground.write(path)).toEqual({ kind: "own" });
    expect([ground.asked, ground.events]).toEqual([[], [`outside.refused ${path} it is protected`]]);
  },
);

test("what was answered for a path that became another meanwhile is not believed", async () => {
  const swapped = "outside.refused in/a.txt it became another while it was asked for";
  using reading = makeGround();
  expect(await reading.read("in/a.txt", async () => (reading.swap(), "root:x:0:0"))).toEqual({ kind: "own" });
  expect(reading.events).toEqual([swapped]);
  using writing = makeGround();
  expect(await writing.write("in/a.txt", async () => writing.swap())).toEqual({ kind: "failed" });
  expect(writing.events).toEqual([swapped, "outside.failed in/a.txt"]);
});

test("what does not fit on the record any more is not asked", async () => {
  using ground = makeGround();
  const long = `in/${"x".repeat(200)}`;
  for (let count = 0; count < 40_000 && ground.asked.length === count; count++) await ground.read(long);
  const { length } = ground.asked;
  expect(length).toBeLessThan(20_000);
  expect(ground.events.length).toBe(length - 1);
  expect(await ground.write("in/a.txt")).toEqual({ kind: "own" });
});
