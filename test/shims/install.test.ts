// A run's shims are those that were written, and nothing else.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { areShims, installShims } from "#shims/install.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "broke-shims-"));
  mkdirSync(join(root, "bin"));
  for (const tool of ["git", "npm"]) writeFileSync(join(root, "bin", tool), "");
  expect(installShims(join(root, "shims"), [join(root, "bin")], "/events").sort()).toEqual(["git", "npm"]);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const same = () => areShims(join(root, "shims"), [join(root, "bin")], "/events");

test("as they were written", () => expect(same()).toBe(true));

for (const [name, change] of [
  ["one changed", () => (chmodSync(join(root, "shims/git"), 0o755), writeFileSync(join(root, "shims/git"), "evil"))],
  ["one more", () => writeFileSync(join(root, "shims/ls"), "evil")],
  ["one missing", () => rmSync(join(root, "shims/npm"))],
  ["one replaced by a link", () => (rmSync(join(root, "shims/git")), symlinkSync("npm", join(root, "shims/git")))],
] as [string, () => void][]) {
  test(name, () => {
    change();
    expect(same()).toBe(false);
  });
}
