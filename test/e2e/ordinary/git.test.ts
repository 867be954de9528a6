// Ordinary work with git in a strict run: add, commit, merge, rebase and what goes with them, in a repository that was there before; and the
// repository is sound for whoever works in it afterwards.

import { expect, test } from "bun:test";
import { PLAIN_UID, launchers, makeTree } from "#test/support/tree.ts";

const WORK = `set -e
git switch -q -c topic; echo topic >topic.txt; git add topic.txt; git commit -qm topic
git switch -q main; echo main >main.txt; git add .; git commit -qm main
git merge -q --no-edit topic
git switch -q -c side HEAD~1; echo side >>first.txt; git commit -qam side; git rebase -q main
git switch -q main; git merge -q --ff-only side
echo more >>first.txt; git stash -q; git stash pop -q; git checkout -q -- first.txt
git switch -q -c other HEAD~1; echo other >>first.txt; git commit -qam other
git merge -q main >/dev/null 2>&1 || { git checkout -q --theirs first.txt; git add first.txt; git commit -qm resolved; }
git switch -q main; git cherry-pick other~1 >/dev/null 2>&1 || git cherry-pick --abort
git tag v1; git gc -q; git fsck --strict --no-dangling; git status --short
git log --format=%s`;

/** By the owner of the folder, as git wants it. */
function git(launcher: string, cwd: string, ...words: string[]): string {
  const as =
    launcher === "a plain user" ? ["setpriv", `--reuid=${PLAIN_UID}`, "--clear-groups", `--regid=${PLAIN_UID}`] : [];
  const ran = Bun.spawnSync([...as, "git", ...words], { cwd, env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent" } });
  if (ran.exitCode !== 0) throw new Error(ran.stderr.toString());
  return ran.stdout.toString();
}

for (const launcher of launchers) {
  test(`commits, merges, rebases, stashes and resolves a conflict, launched by ${launcher}`, async () => {
    using tree = makeTree(launcher, { "ws/first.txt": "first\n" });
    const on = (...words: string[]) => git(launcher, tree.ws, ...words);
    on("init", "-q", "-b", "main");
    for (const [key, value] of [
      ["user.name", "Someone"],
      ["user.email", "someone@example.com"],
    ] as const)
      on("config", key, value);
    on("add", ".");
    on("commit", "-qm", "first");
    const ran = await tree.broke(["sandbox", "run", "--", "sh", "-c", WORK], { cwd: tree.ws });
    expect({ code: ran.code, log: ran.stdout.trim().split("\n") }).toEqual({
      code: 0,
      log: ["side", "Merge branch 'topic'", "main", "topic", "first"],
    });
    expect(on("log", "-1", "--format=%s", "other").trim()).toBe("resolved");
    expect(on("status", "--porcelain")).toBe("");
    on("fsck", "--strict");
    expect(ran.stderr).toContain(" ACCEPT exit 0 ");
  });

  test(`makes a repository of its own, launched by ${launcher}`, async () => {
    using tree = makeTree(launcher, { "ws/first.txt": "first\n" });
    const script =
      "git init -q -b main sub && cd sub && echo a >a && git add a && git -c user.name=a -c user.email=a@b commit -qm own && git log --format=%s";
    const ran = await tree.broke(["sandbox", "run", "--", "sh", "-c", script], { cwd: tree.ws });
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "own\n" });
  });
}
