// Whether what runs is what was installed: a checkout against its lock file, a packed install against its manifest.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeManifest, requireInstallation } from "#harness/installation.ts";
import { INSTALLATION } from "#harness/workspace.ts";

let root = "";
const put = (path: string, body: unknown) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof body === "string" ? body : JSON.stringify(body));
};
const locked = {
  "": { version: "1.0.0" },
  "node_modules/elysia": { version: "1.4.30", integrity: "sha512-elysia" },
  "node_modules/elysia/node_modules/cookie": { version: "1.0.2", integrity: "sha512-cookie" },
  "node_modules/bun-types": { version: "1.4.5", integrity: "sha512-types", dev: true },
  "node_modules/@oven/bun-linux-x64": { version: "1.4.5", integrity: "sha512-bun", optional: true },
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "broke-installation-"));
  put("package.json", { name: "broke", dependencies: { bun: Bun.version, elysia: "1.4.30" } });
  put("src/main.ts", "main");
  put("shims/broke", "sh");
  put("node_modules/bun/package.json", { version: Bun.version });
  put("node_modules/elysia/package.json", { version: "1.4.30" });
  put("node_modules/elysia/node_modules/cookie/package.json", { version: "1.0.2" });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const refused = (message: string, kind = "denied") =>
  expect(() => requireInstallation(root)).toThrow(expect.objectContaining({ kind, message }));

test("this very checkout is what its lock file says", () => {
  expect(requireInstallation(INSTALLATION)).toMatch(/^\d+ packages are those of the lock file$/);
});

describe("a checkout", () => {
  beforeEach(() => {
    put("package-lock.json", { lockfileVersion: 3, packages: locked });
    put("node_modules/.package-lock.json", { lockfileVersion: 3, packages: locked });
  });

  test("as locked; what is for development or optional may be missing", () => {
    expect(requireInstallation(root)).toBe("2 packages are those of the lock file");
  });
  test("a package in another version", () => {
    put("node_modules/elysia/package.json", { version: "1.4.31" });
    refused("elysia is installed as 1.4.31, and 1.4.30 is what was chosen");
  });
  test("a package that is missing, deep down", () => {
    rmSync(join(root, "node_modules/elysia/node_modules/cookie"), { recursive: true });
    refused("elysia/node_modules/cookie is installed as nothing, and 1.0.2 is what was chosen");
  });
  test("the same version from another archive", () => {
    const other = { ...locked, "node_modules/elysia": { version: "1.4.30", integrity: "sha512-other" } };
    put("node_modules/.package-lock.json", { packages: other });
    refused("elysia was installed from another archive than the lock file names");
  });
  test("without npm's own record the versions alone are compared", () => {
    rmSync(join(root, "node_modules/.package-lock.json"));
    expect(requireInstallation(root)).toBe("2 packages are those of the lock file");
  });
  test("another Bun than the pinned one", () => {
    put("package.json", { dependencies: { bun: "1.0.0" } });
    refused(`the Bun that runs this is installed as ${Bun.version}, and 1.0.0 is what was chosen`);
  });
  for (const [name, file] of [
    ["lock file", "package-lock.json"],
    ["package", "node_modules/elysia/package.json"],
  ] as const) {
    test(`a damaged ${name}`, () => {
      put(file, "{");
      refused(`${join(root, file)} is damaged`, "config");
    });
  }
});

describe("a packed install", () => {
  beforeEach(() => put("manifest.json", makeManifest(root)));

  test("as packed, with the pinned packages", () => {
    expect(requireInstallation(root)).toBe("3 files are as they were packed; 2 packages are the pinned ones");
  });
  test("a file that was changed", () => {
    put("src/main.ts", "evil");
    refused("src/main.ts of this installation of broke was changed");
  });
  test("a file that is missing", () => {
    rmSync(join(root, "shims/broke"));
    refused("shims/broke of this installation of broke is missing");
  });
  test("a file that was added", () => {
    put("src/evil.ts", "evil");
    refused("src/evil.ts does not belong to this installation of broke");
  });
  test("a package in another version", () => {
    put("node_modules/elysia/package.json", { version: "2.0.0" });
    refused("elysia is installed as 2.0.0, and 1.4.30 is what was chosen");
  });
  test("a damaged manifest is no reason to believe anything", () => {
    put("manifest.json", { files: { "src/main.ts": "x" } });
    refused(`${join(root, "manifest.json")} is damaged`, "config");
  });
});

test("the manifest of what is packed has every file of ours, by its hash", () => {
  const { files } = makeManifest(INSTALLATION);
  const text = readFileSync(join(INSTALLATION, "src/main.ts"));
  expect(files["src/main.ts"]).toBe(new Bun.CryptoHasher("sha256").update(text).digest("hex"));
  expect(Object.keys(files).filter((path) => !/^(src|harness|sandbox|acp|shims)\/|^package\.json$/.test(path))).toEqual(
    [],
  );
});
