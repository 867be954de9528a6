// File permissions as they are read: relative to the workspace, canonical, refused where they could not be held.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { intersectFiles, resolveFilePermission, splitPaths } from "#sandbox/path-permission.ts";
import { type ListFlags, noListFlags } from "#sandbox/permission-flags.ts";

let root: string;
let around: { workspace: string; brokeHomes: string[] };
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "paths-")));
  for (const dir of ["ws/src", "data/deep", "home/runs", "a,b"]) mkdirSync(join(root, dir), { recursive: true });
  for (const file of ["data/f", "data/deep/g", "ws/w"]) writeFileSync(join(root, file), "");
  symlinkSync("data", join(root, "link"));
  symlinkSync("home", join(root, "to-home"));
  around = { workspace: join(root, "ws"), brokeHomes: [join(root, "home")] };
});
afterAll(() => rmSync(root, { recursive: true }));

const resolve = (read: Partial<ListFlags>, write: Partial<ListFlags> = {}) =>
  resolveFilePermission({ ...noListFlags, ...read }, { ...noListFlags, ...write }, around);
const short = (list: { path: string }[]) => list.map(({ path }) => path.replace(`${root}/`, ""));

test("comma lists, a comma in a name, repeated", () => {
  expect(splitPaths("--allow-read", ["a,b", "c,,d,e"])).toEqual(["a", "b", "c,d", "e"]);
  for (const list of ["", ",a", "a,", ",,,"]) {
    expect(() => splitPaths("--allow-read", [list])).toThrow(
      list === ",,," ? "a path is missing" : "a path is missing",
    );
  }
});

test("relative to the workspace, links resolved once, each once", () => {
  const files = resolve(
    { allow: ["../data,../link", "../a,,b"], deny: ["../link/deep"] },
    { allow: [join(root, "link/f")] },
  );
  expect({ read: short(files.read), write: short(files.write), denied: short(files.denyRead) }).toEqual({
    ...{ read: ["data", "a,b"], write: ["data/f"], denied: ["data/deep"] },
  });
  expect(files.write[0]).toEqual({
    path: join(root, "data/f"),
    id: expect.stringMatching(/^\d+:\d+$/) as string,
    ...{ kind: "file", links: 1, by: join(root, "data/f") },
  });
});

describe("refused", () => {
  const cases: [string, () => unknown, string, string][] = [
    ["what is not there", () => resolve({ allow: ["../none"] }), "usage", "does not exist"],
    ["a tilde", () => resolve({ allow: ["~/x"] }), "usage", "does not exist"],
    ["a device", () => resolve({ allow: ["/dev/null"] }), "usage", "neither a file nor a folder"],
    ["BROKE_HOME", () => resolve({ allow: ["../home"] }), "denied", "BROKE_HOME"],
    ["what is in it, by a link", () => resolve({}, { allow: ["../to-home/runs"] }), "denied", "BROKE_HOME"],
    ["/proc", () => resolve({ allow: ["/proc/self"] }), "denied", "never the host's own"],
    ["/run", () => resolve({ allow: ["/run"] }), "denied", "never the host's own"],
    ["/", () => resolve({ allow: ["/"] }), "denied", "folders of the sandbox's own"],
    ["/home", () => resolve({}, { allow: ["/home"] }), "denied", "folders of the sandbox's own"],
    ["the workspace denied", () => resolve({ deny: ["."] }), "usage", "holds the workspace"],
    ["all denied", () => resolve({ denyAll: true }), "usage", "nothing to work on"],
    ["the system denied", () => resolve({ deny: ["/usr"] }), "usage", "every program needs"],
    ["both", () => resolve({ allow: ["../data"], deny: ["../link"] }), "usage", "both allowed (read) and denied"],
    ["written, not read", () => resolve({ deny: ["../data"] }, { allow: ["../data"] }), "usage", "allowed (write)"],
    ["both written", () => resolve({}, { allow: ["../data"], deny: ["../data"] }), "usage", "allowed (write)"],
    ["no write and some", () => resolve({}, { allow: ["../data"], denyAll: true }), "usage", "denies every write"],
  ];
  for (const [name, act, kind, words] of cases) {
    test(name, () => expect(act).toThrow(expect.objectContaining({ kind, message: expect.stringContaining(words) })));
  }
});

test("what two permissions have in common: the narrower path, shown by the wider", () => {
  const outer = resolve({ any: true, deny: ["../data/f"] }, { allow: ["../data"] });
  const inner = resolve({ allow: ["../a,,b"] }, { allow: ["../data/deep", "src"] });
  const common = intersectFiles(inner, outer);
  expect({
    read: common.read.map(({ path, by }) => [path.replace(root, ""), by.replace(root, "")]),
    write: common.write.map(({ path, by }) => [path.replace(root, ""), by.replace(root, "")]),
    denied: short(common.denyRead),
    anyRead: common.anyRead,
  }).toEqual({
    read: [
      ["/data/deep", "/data"],
      ["/a,b", "/"],
      ["/ws/src", "/"],
    ],
    write: [["/data/deep", "/data"]],
    denied: ["data/f"],
    anyRead: false,
  });
});
