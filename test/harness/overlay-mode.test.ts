// What an overlay's layer says of an entry of the workspace: gone, or merely not to be seen.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeleted, isMade } from "#harness/overlay-mode.ts";

const upper = mkdtempSync(join(tmpdir(), "broke-layer-"));
afterAll(() => rmSync(upper, { recursive: true, force: true }));

mkdirSync(join(upper, "open/sub"), { recursive: true });
writeFileSync(join(upper, "file"), "");
symlinkSync("nowhere", join(upper, "link"));
mkdirSync(join(upper, "made/.git"), { recursive: true });
writeFileSync(join(upper, "made/.git/HEAD"), "");
mkdirSync(join(upper, "touched/.git/refs"), { recursive: true });

for (const [path, deleted] of [
  ["not-in-it", false],
  ["not-in-it/deep", false],
  ["open/other", false],
  ["open/sub/other", false],
  ["open", false],
  ["file/below", true],
  ["link/below", true],
] as const)
  test(`${path}: ${deleted ? "gone" : "says nothing"}`, () => expect(isDeleted(upper, path)).toBe(deleted));

test("a repository is the run's where its layer has what makes it one", () =>
  expect(["made/.git", "touched/.git", "theirs/.git"].map((path) => isMade(upper, path))).toEqual([
    true,
    false,
    false,
  ]));
