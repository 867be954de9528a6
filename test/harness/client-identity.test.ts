// Which program a client is: by its file, its package's version and its hash; and whether it could change itself.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { canChange, identifyClient } from "#harness/client-identity.ts";

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "broke-identity-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
};
const cache = () => join(root, "identities.json");
const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

describe("identified", () => {
  test("a script by its package", () => {
    const path = put("lib/node_modules/client/bin/client.js", "code");
    put("lib/node_modules/client/package.json", '{"version":"1.2.3"}');
    const owner = statSync(path).uid;
    expect(identifyClient(path, cache())).toEqual({ path, version: "1.2.3", sha256: sha256("code"), bytes: 4, owner });
  });
  test("a native one by the folder named after its version", () => {
    expect(identifyClient(put("share/claude/versions/2.1.330", "binary"), cache()).version).toBe("2.1.330");
  });
  test("one of which nothing tells the version", () => {
    expect(identifyClient(put("bin/client", "binary"), cache()).version).toBeNull();
  });
});

test("a hash is remembered only for as long as the file is the same", () => {
  const path = put("client", "one");
  identifyClient(path, cache());
  const remembered = JSON.parse(readFileSync(cache(), "utf8")) as Record<string, { stamp: string; sha256: string }>;
  writeFileSync(cache(), JSON.stringify({ [path]: { ...remembered[path]!, sha256: "remembered" } }));
  expect(identifyClient(path, cache()).sha256).toBe("remembered");
  const { atime, mtime } = statSync(path);
  writeFileSync(path, "two");
  utimesSync(path, atime, mtime);
  expect(identifyClient(path, cache()).sha256).toBe(sha256("two"));
  writeFileSync(cache(), "damaged");
  expect(identifyClient(path, cache()).sha256).toBe(sha256("two"));
  expect(statSync(cache()).mode & 0o777).toBe(0o600);
});

test("a link, or what is not there, is no program", () => {
  symlinkSync(put("client", "x"), join(root, "link"));
  for (const name of ["link", "absent"]) {
    expect(() => identifyClient(join(root, name), cache())).toThrow(expect.objectContaining({ kind: "missing" }));
  }
});

test("what lies in a folder the client may write to can be changed by it", () => {
  const path = put("work/bin/client", "x");
  expect(canChange(path, [join(root, "work")])).toBe(true);
  expect(canChange(path, [join(root, "other"), join(root, "work/bin2")])).toBe(false);
});

test.skipIf(process.getuid!() === 0)("(as a plain user) without walls, what its user may write", () => {
  const path = put("bin/client", "x");
  expect(canChange(path, undefined)).toBe(true);
  chmodSync(path, 0o555);
  expect(canChange(path, undefined)).toBe(true); // its folder still lets it be replaced
  chmodSync(dirname(path), 0o555);
  expect(canChange(path, undefined)).toBe(false);
  chmodSync(dirname(path), 0o755);
});
