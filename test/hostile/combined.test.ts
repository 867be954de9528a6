// Options that were made apart, used together: what each of them holds must hold beside every other.

import { expect, test } from "bun:test";
import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";

const git = (bench: Bench, ...args: string[]) => {
  const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
    cwd: bench.workspace,
    env: { PATH: "/usr/bin:/bin", HOME: bench.env["HOME"]! },
  });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return ran.stdout.toString();
};

/** A repository with one commit of these files; scripts where they begin with `#!`. */
function repository(files: Record<string, string>): Bench {
  const bench = makeBench();
  git(bench, "init", "-q", "-b", "main");
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(bench.workspace, name), text);
    if (text.startsWith("#!")) chmodSync(join(bench.workspace, name), 0o755);
  }
  git(bench, "add", ".");
  git(bench, "commit", "-qm", "one");
  return bench;
}

const run = (bench: Bench, options: string[], script: string) =>
  bench.broke(["sandbox", "run", ...options, "--", "sh", "-c", script]);

for (const mode of ["direct", "worktree", "copy"]) {
  test(`--workspace=${mode}: a program of the workspace is denied by what it is there, through its links too`, async () => {
    using bench = repository({ "tool.sh": "#!/bin/sh\necho ran\n" });
    symlinkSync(join(bench.workspace, "tool.sh"), join(bench.workspace, "far"));
    const script = "./tool.sh || echo refused; ./far || echo refused";
    for (const word of ["./tool.sh", "./far", join(bench.workspace, "tool.sh")]) {
      const ran = await run(bench, [`--workspace=${mode}`, `--deny-run=${word}`], script);
      expect({ word, stdout: ran.stdout }).toEqual({ word, stdout: "refused\nrefused\n" });
    }
    const listed = await run(bench, [`--workspace=${mode}`, "--allow-run=./tool.sh"], `${script}; /usr/bin/env true`);
    expect(listed).toMatchObject({ code: 126, stdout: "ran\nran\n" });
    expect(listed.stderr).toContain(`${bench.workspace}/tool.sh may run, and the client can write it`);
  });
}

test("a worktree's commits with a link or a submodule at a protected name are not landed, though they are gone in the end", async () => {
  using bench = repository({ f: "1\n" });
  const commit = "git -c user.email=a@a -c user.name=a commit -qm";
  const ways = [
    "mkdir s docs; echo {} > docs/settings.json; ln -s ../docs s/.claude",
    "mkdir s docs; ln -s docs s/.github",
    `git init -q s/.claude; ${commit.replace("git", "git -C s/.claude")} x --allow-empty`,
  ];
  for (const way of ways) {
    const ran = await run(bench, ["--workspace=worktree"], `${way}; git add -f s; ${commit} w; rm -rf s; echo z > z`);
    expect({ way, code: ran.code, err: ran.stderr }).toEqual({
      ...{ way, code: 0 },
      err: expect.stringMatching(/not landed, because it changes protected names: s\/\.(claude|github)/),
    });
  }
  expect(git(bench, "for-each-ref", "refs/broke")).toBe("");
});
