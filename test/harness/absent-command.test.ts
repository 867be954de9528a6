// A command that is not in the sandbox ends the run as it would end a shell's line, with what to do about it; and whose PATH counts for what is.

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathFolders } from "#harness/path-folders.ts";
import { noFilePermission } from "#sandbox/path-permission.ts";
import { nothingShown, type Shown } from "#sandbox/shown.ts";
import { makeTree } from "#test/support/tree.ts";

const HINT = "outside /usr a program is there by --allow-read=FOLDER, and found by name when your PATH has the folder";

test.each([
  [["no-such-program"], 127, `broke: "no-such-program": not found in the sandbox; ${HINT}`],
  [["./absent"], 127, `broke: "./absent": not found in the sandbox; ${HINT}`],
  [["./data"], 126, 'broke: "./data": cannot be run (errno 13)'],
])("%j", async (command, code, said) => {
  using tree = makeTree("whoever runs this", { "ws/data": "no program" });
  const ran = await tree.broke(["sandbox", "run", "--", ...command], { cwd: tree.ws });
  expect({ code: ran.code, stdout: ran.stdout, said: ran.stderr.split("\n")[0] }).toEqual({ code, stdout: "", said });
  expect(ran.stderr).toContain(`exit ${code} exit_source client`);
});

test("a toolchain's folder that is allowed is on the run's PATH, one that is not, or is the workspace's, is not", async () => {
  const files = { "kit/bin/hello": "#!/bin/sh\necho from the kit\n", "ws/bin/hello": "#!/bin/sh\necho planted\n" };
  using tree = makeTree("whoever runs this", files);
  for (const name of ["kit/bin/hello", "ws/bin/hello"]) chmodSync(join(tree.base, name), 0o755);
  const env = { PATH: `${tree.ws}/bin:${tree.base}/kit/bin:/usr/bin:/bin` };
  const hello = async (...flags: string[]) => {
    const ran = await tree.broke(["sandbox", "run", ...flags, "--", "hello"], { cwd: tree.ws, env });
    return { code: ran.code, stdout: ran.stdout };
  };
  expect(await hello()).toEqual({ code: 127, stdout: "" });
  expect(await hello("--allow-read=../kit")).toEqual({ code: 0, stdout: "from the kit\n" });
  expect(await hello("--allow-read=../kit", "--deny-read=../kit/bin")).toEqual({ code: 127, stdout: "" });
});

test("which folders those are", () => {
  using tree = makeTree("whoever runs this", {
    "ws/a": "a",
    "kit/bin/x": "x",
    "kit/secret/x": "x",
    "other/x": "x",
    "kit/file": "x",
  });
  const at = (name: string) => join(tree.base, name);
  symlinkSync(at("other"), at("link-to-other"));
  mkdirSync(at("kit/with:colon"));
  writeFileSync(at("kit/y"), "");
  const entry = (name: string) => ({ ...{ path: at(name), id: "", links: 1, by: at(name) }, kind: "dir" as const });
  const shown: Shown = {
    ...nothingShown,
    permission: { ...noFilePermission, read: [entry("kit")] },
    hidden: [{ path: at("kit/secret"), kind: "dir" }],
  };
  const names = ["ws", "kit/bin", "kit/secret", "kit/file", "kit/absent", "link-to-other", "kit/bin"];
  const path = ["relative", "", "/usr/bin", ...names.map(at)].join(":");
  expect(pathFolders(path, shown, tree.ws)).toEqual([at("kit/bin")]);
  expect(pathFolders(path, undefined, tree.ws)).toEqual(["kit/bin", "kit/secret", "other"].map(at));
  expect(pathFolders(undefined, shown, tree.ws)).toEqual([]);
});
