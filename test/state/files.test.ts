// Private files: nobody else's is believed, none is reached through a link, none is ever half written.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrivate, readPrivate, writePrivate } from "#src/state/files.ts";
import { openHome } from "#src/state/paths.ts";
import { clientToken, signingKeys } from "#src/state/secrets.ts";

let dir = "";
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "broke-files-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string) => join(dir, name);
const mode = (name: string) => statSync(at(name)).mode & 0o777;

test("written whole, read back, private", () => {
  expect(readPrivate(at("f"))).toBeUndefined();
  writePrivate(at("f"), "one");
  writePrivate(at("f"), "two");
  expect([readPrivate(at("f")), mode("f"), readdirSync(dir)]).toEqual(["two", 0o600, ["f"]]);
});

test("made once: a second maker gets what the first made", () => {
  expect([createPrivate(at("f"), "first"), createPrivate(at("f"), "second"), readdirSync(dir)]).toEqual([
    "first",
    "first",
    ["f"],
  ]);
});

test("permissions are taken back", () => {
  writeFileSync(at("f"), "x");
  chmodSync(at("f"), 0o666);
  expect([readPrivate(at("f")), mode("f")]).toEqual(["x", 0o600]);
});

test("a link, a folder and a pipe are refused; a link is replaced, not followed", () => {
  writeFileSync(at("target"), "theirs");
  symlinkSync(at("target"), at("link"));
  mkdirSync(at("folder"));
  Bun.spawnSync(["mkfifo", at("pipe")]);
  for (const name of ["link", "folder", "pipe"]) {
    expect(() => readPrivate(at(name))).toThrow(expect.objectContaining({ kind: "config" }));
    expect(() => createPrivate(at(name), "x")).toThrow(expect.objectContaining({ kind: "config" }));
  }
  writePrivate(at("link"), "ours");
  expect([readFileSync(at("target"), "utf8"), readPrivate(at("link"))]).toEqual(["theirs", "ours"]);
});

test("a home that others could enter is closed", () => {
  mkdirSync(at("home"), { mode: 0o777 });
  chmodSync(at("home"), 0o777);
  openHome({ BROKE_HOME: at("home") });
  expect([mode("home"), mode("home/runs"), mode("home/run")]).toEqual([0o700, 0o700, 0o700]);
  expect(() => openHome({ BROKE_HOME: "relative" })).toThrow(expect.objectContaining({ kind: "usage" }));
});

test("the client token is made once and kept; a given one must be long enough", () => {
  const home = openHome({ BROKE_HOME: at("home") });
  const token = clientToken(home, {});
  expect(token).toMatch(/^brokecli_[\w-]{43}$/);
  expect([clientToken(home, {}), mode("home/client-token")]).toEqual([token, 0o600]);
  expect(clientToken(home, { BROKE_CLIENT_TOKEN: "a-token-of-the-operator" })).toBe("a-token-of-the-operator");
  expect(() => clientToken(home, { BROKE_CLIENT_TOKEN: "short" })).toThrow(expect.objectContaining({ kind: "usage" }));
});

test("a damaged signing key is an error that names the file, never a new key", () => {
  const home = openHome({ BROKE_HOME: at("home") });
  signingKeys(home);
  writeFileSync(home.signingKey, "damaged");
  expect(() => signingKeys(home)).toThrow(
    expect.objectContaining({ kind: "config", message: expect.stringContaining(home.signingKey) }),
  );
  expect(readFileSync(home.signingKey, "utf8")).toBe("damaged");
});
