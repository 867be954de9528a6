// Searches along PATH told as one command.

import { expect, test } from "bun:test";
import { foldLookups } from "#sandbox/lookups.ts";
import type { ObservedExec } from "#sandbox/observer.ts";

type Step = [pid: number, path: string, outcome: ObservedExec["outcome"], argv0?: string];
const exec = ([pid, path, outcome, argv0 = path.split("/").at(-1)!]: Step): ObservedExec => ({
  ...{ pid, atMs: 0, path, outcome, argv: [argv0], lineage: [], cut: false, cwd: "/", exe: "/bin/sh", reason: null },
  files: outcome === "not_found" ? [] : [path],
});

function folded(steps: Step[]): string[] {
  const told: string[] = [];
  const fold = foldLookups(({ pid, path, outcome }) => told.push(`${pid} ${path} ${outcome}`));
  for (const step of steps) fold.take(exec(step));
  fold.flush();
  return told;
}

test.each([
  ["one that is there", [[1, "/bin/a", "started"]], ["1 /bin/a started"]],
  [
    "found at the third place",
    [
      [1, "/x/a", "not_found"],
      [1, "/y/a", "not_found"],
      [1, "/z/a", "started"],
    ],
    ["1 /z/a started"],
  ],
  [
    "found nowhere",
    [
      [1, "/x/a", "not_found"],
      [1, "/y/a", "not_found"],
    ],
    ["1 /y/a not_found"],
  ],
  [
    "there, not to be run, and nowhere else",
    [
      [1, "/x/a", "unrunnable"],
      [1, "/y/a", "not_found"],
    ],
    ["1 /x/a unrunnable"],
  ],
  [
    "two searches of one process",
    [
      [1, "/x/a", "not_found"],
      [1, "/x/b", "not_found"],
      [1, "/y/b", "started"],
    ],
    ["1 /x/a not_found", "1 /y/b started"],
  ],
  [
    "the same name under another argument",
    [
      [1, "/x/a", "not_found", "one"],
      [1, "/y/a", "started", "two"],
    ],
    ["1 /x/a not_found", "1 /y/a started"],
  ],
  [
    "two processes at once",
    [
      [1, "/x/a", "not_found"],
      [2, "/x/a", "not_found"],
      [2, "/y/a", "started"],
      [1, "/y/a", "started"],
    ],
    ["2 /y/a started", "1 /y/a started"],
  ],
  [
    "denied, and tried again under the next folder's name",
    [
      [1, "/x/a", "denied"],
      [1, "/y/a", "not_found"],
    ],
    ["1 /x/a denied"],
  ],
  [
    "denied, then another of that name runs",
    [
      [1, "/x/a", "denied"],
      [1, "/y/a", "started"],
    ],
    ["1 /x/a denied", "1 /y/a started"],
  ],
  [
    "denied twice, different files",
    [
      [1, "/x/a", "denied"],
      [1, "/y/a", "denied"],
    ],
    ["1 /x/a denied", "1 /y/a denied"],
  ],
] as [string, Step[], string[]][])("%s", (_, steps, told) => {
  expect(folded(steps)).toEqual(told);
});

test("the same file denied under two folders of PATH is one denial", () => {
  const told: (string | null)[] = [];
  const fold = foldLookups(({ path }) => told.push(path));
  for (const path of ["/usr/bin/a", "/bin/a"]) fold.take({ ...exec([1, path, "denied"]), files: ["/usr/bin/a"] });
  fold.flush();
  expect(told).toEqual(["/usr/bin/a"]);
});

test("a search that goes no further is told by itself, in time", async () => {
  const told = Promise.withResolvers<string | null>();
  foldLookups(({ path }) => told.resolve(path)).take(exec([1, "/x/a", "not_found"]));
  expect(await told.promise).toBe("/x/a");
});

test("ever more open searches are told before they could fill memory", () => {
  let told = 0;
  const fold = foldLookups(() => (told += 1));
  for (let pid = 1; pid <= 5000; pid++) fold.take(exec([pid, "/x/a", "not_found"]));
  expect(told).toBe(5000 - 1024);
  fold.flush();
  expect(told).toBe(5000);
});
