// Where a client's program is looked for, and what starts it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientOf } from "#harness/clients.ts";
import { findClient, searchFolders } from "#harness/find-client.ts";

const BUN = { inside: "/opt/broke/bun", host: "/srv/app/bun" };
let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "broke-find-client-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text = "\u007fELF"): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode: 0o755 });
  return join(root, path);
}
const find = (client: string, given: string[], folders: string[]) =>
  findClient(
    clientOf(client),
    given,
    folders.map((name) => join(root, name)),
    BUN,
  );

test("PATH first, then our own packages, native installers, and nvm from the newest down", () => {
  for (const version of ["v9.11.0", "v22.1.0", "v22.10.0", "system"]) put(`.nvm/versions/node/${version}/bin/node`);
  const folders = searchFolders({ PATH: "/a:relative::/b", HOME: root }, "/srv/work");
  const nvm = ["v22.10.0", "v22.1.0", "v9.11.0"].map((version) => join(root, `.nvm/versions/node/${version}/bin`));
  expect(folders.with(2, "own")).toEqual(["/a", "/b", "own", join(root, ".local/bin"), ...nvm]);
  expect(folders[2]).toEndWith("/node_modules/.bin");
  expect(searchFolders({ PATH: "", HOME: join(root, "nobody") }, "/srv/work").slice(1)).toEqual([
    join(root, "nobody/.local/bin"),
  ]);
});

test("nothing of the workspace's is taken for a client or for node, not even by way of a link", () => {
  for (const name of ["claude", "node"]) put(`work/node_modules/.bin/${name}`);
  put("work/sub/bin/codex");
  symlinkSync(join(root, "work/sub"), join(root, "elsewhere"));
  put("worker/bin/gemini");
  const path = ["work/node_modules/.bin", "elsewhere/bin", "worker/bin"].map((name) => join(root, name));
  const folders = searchFolders({ PATH: path.join(":"), HOME: join(root, "work") }, join(root, "work"));
  expect(folders.filter((folder) => folder.startsWith(root))).toEqual([
    join(root, "worker/bin"),
    join(root, "work/.local/bin"), // not there
  ]);
});

describe("a client that is a script", () => {
  let script = "";
  const folder = "lib/node_modules/@google/gemini-cli";
  beforeEach(() => {
    script = put(`${folder}/bundle/gemini.js`, "#!/usr/bin/env node\n");
    put(`${folder}/package.json`, "{}");
    mkdirSync(join(root, "bin"));
    symlinkSync(script, join(root, "bin/gemini"));
  });
  const binds = () => [{ source: join(root, folder), target: join(root, folder), mode: "read" as const }];

  test("is run by node where there is one, never through a shim of ours", () => {
    const node = put("bin/node");
    expect(find("gemini", ["-p", "x"], ["bin"])).toEqual({
      ...{ file: script, command: [node, script], onHost: [node, script], args: ["-p", "x"], binds: binds() },
    });
  });

  test("and by our own Bun where there is none, which reads no settings of the workspace", () => {
    const flags = ["--config=/dev/null", "--no-env-file"];
    expect(find("gemini", [], ["bin"])).toEqual({
      file: script,
      command: [BUN.inside, ...flags, script],
      onHost: [BUN.host, ...flags, script],
      args: [],
      binds: binds(),
    });
  });
});

test("a native client stands in a place of ours inside, and where it is on the host", () => {
  const real = put(".local/bin/claude");
  expect(find("claude", ["-p", "x"], [".local/bin"])).toEqual({
    file: real,
    command: ["/opt/broke/clients/claude"],
    onHost: [real],
    args: ["-p", "x"],
    binds: [{ source: real, target: "/opt/broke/clients/claude", mode: "read" }],
  });
});

test("any command is its own program", () => {
  expect(find("exec", ["make", "-j2"], [])).toEqual({
    file: undefined,
    command: ["make"],
    onHost: ["make"],
    args: ["-j2"],
    binds: [],
  });
});

describe("refused", () => {
  const cases: [string, string, string[], object][] = [
    ["a client that is not installed", "codex", [], { kind: "missing", message: "codex is not installed" }],
    ["no command", "exec", [], { kind: "usage" }],
    [
      "an argument that is ours",
      "claude",
      ["--settings", "x"],
      { kind: "usage", message: "--settings is set by broke" },
    ],
    ["the same in one word", "codex", ["--remote=x"], { kind: "usage", message: "--remote is set by broke" }],
  ];
  for (const [name, client, given, error] of cases) {
    test(name, () => expect(() => find(client, given, [])).toThrow(expect.objectContaining(error)));
  }
  test("but not where it is only a word of the prompt", () => {
    expect(() => find("codex", ["--", "--remote"], [])).toThrow(expect.objectContaining({ kind: "missing" }));
  });
});
