// `--workspace worktree` through the launcher, with real git: what the run sees, what is landed, and that the operator's repository has a ref more
// and nothing else.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LAUNCHER, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const bench = () => {
  const made = makeBench();
  const at = (path: string) => join(made.workspace, path);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  const git = (...args: string[]) => {
    const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
      cwd: made.workspace,
      env: { PATH: "/usr/bin:/bin", HOME: made.workspace },
    });
    if (!ran.success) throw new Error(ran.stderr.toString());
    return ran.stdout.toString().trim();
  };
  const words = (script: string, ...options: string[]) => [
    "harness",
    "run",
    "--client",
    "exec",
    "--workspace=worktree",
    ...options,
    "--",
    "bash",
    "-ec",
    script,
  ];
  const run = (script: string, ...options: string[]) => made.broke(words(script, ...options));
  /** A repository with two commits. */
  const start = () => {
    git("init", "-q", "-b", "main");
    put("f", "1\n");
    put("d/g", "g\n");
    put(".gitignore", "*.log\n");
    git("add", ".");
    git("commit", "-qm", "one");
    put("f", "2\n");
    git("commit", "-qam", "two");
    git("tag", "v1");
  };
  const refOf = (ran: Ran) => `refs/broke/runs/${runIdOf(ran)}`;
  return { ...made, at, put, git, words, run, start, refOf };
};

test("commits and what is not committed end in one ref; the repository and its files are otherwise as they were", async () => {
  using it = bench();
  it.start();
  const before = [
    it.git("for-each-ref"),
    it.git("status", "--porcelain"),
    readFileSync(it.at(".git/index")).toString("hex"),
  ];
  const ran = await it.run(`pwd; git log --oneline | wc -l; git tag; git status --porcelain; git branch --show-current
    echo c > committed; git add committed; git commit -qm three; echo u > untracked; echo 3 > f; rm d/g; echo l > x.log; git checkout -qb other`);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: `${it.workspace}\n2\nv1\nmain\n` });
  expect(ran.stderr).toContain(`the work is in ${it.refOf(ran)}: git -C ${it.workspace} merge ${it.refOf(ran)}\n`);
  expect(ran.stderr).toContain(" ACCEPT exit 0");
  const ref = it.refOf(ran);
  expect(it.git("log", "--format=%s", ref).split("\n")).toEqual([`Work of ${runIdOf(ran)}`, "three", "two", "one"]);
  expect(it.git("diff", "--name-status", "main", ref).split("\n")).toEqual([
    "A\tcommitted",
    "D\td/g",
    "M\tf",
    "A\tuntracked",
  ]);
  expect([
    it
      .git("for-each-ref")
      .replace(/\n.*refs\/broke.*/, "")
      .replace(/.*refs\/broke.*\n/, ""),
    it.git("status", "--porcelain"),
  ]).toEqual(before.slice(0, 2) as [string, string]);
  expect(readFileSync(it.at(".git/index")).toString("hex")).toBe(before[2]!);
  expect(it.git("fsck", "--no-dangling")).toBe("");
  it.git("merge", "-q", ref);
  expect([readFileSync(it.at("f"), "utf8"), existsSync(it.at("d/g"))]).toEqual(["3\n", false]);
});

test("what was not committed is carried over, staged or not, and the run's own part of the result can be told from it", async () => {
  using it = bench();
  it.start();
  it.put("f", "mine\n");
  it.put("staged", "s\n");
  it.git("add", "staged");
  it.put("loose", "l\n");
  it.put("noise.log", "n\n");
  rmSync(it.at("d/g"));
  symlinkSync("f", it.at("link"));
  const ran = await it.run("git status --porcelain; cat f; readlink link; ls; echo more >> f; echo r > run");
  expect(ran.stdout).toStartWith(" D d/g\n M f\nA  staged\n?? link\n?? loose\nmine\nf\n");
  expect(ran.stdout).not.toContain("noise.log");
  const [ref, startRef] = [it.refOf(ran), `refs/broke/starts/${runIdOf(ran)}`];
  expect(it.git("diff", "--name-status", startRef, ref).split("\n")).toEqual(["M\tf", "A\trun"]);
  expect(it.git("log", "-1", "--format=%s %P", startRef)).toBe(
    `Uncommitted changes a run began with ${it.git("rev-parse", "main")}`,
  );
  const hint = /the work is in \S+: (.*)\n/.exec(ran.stderr)![1]!;
  const applied = Bun.spawnSync(["sh", "-c", hint], { env: { PATH: "/usr/bin:/bin", HOME: it.workspace } });
  expect({ ok: applied.success, f: readFileSync(it.at("f"), "utf8"), run: existsSync(it.at("run")) }).toEqual({
    ok: true,
    f: "mine\nmore\n",
    run: true,
  });
});

test("nothing changed: nothing is landed; a repository without a commit; detached; landed again", async () => {
  using it = bench();
  it.git("init", "-q", "-b", "main");
  it.put("f", "1\n");
  const first = await it.run("git status --porcelain; echo x > x");
  expect({ code: first.code, stdout: first.stdout }).toEqual({ code: 0, stdout: "?? f\n" });
  expect(it.git("ls-tree", "--name-only", it.refOf(first)).split("\n")).toEqual(["f", "x"]);
  it.git("add", ".");
  it.git("commit", "-qm", "one");
  it.git("checkout", "-q", "--detach");
  const idle = await it.run("git status --porcelain --branch");
  expect(idle.stdout).toBe("## HEAD (no branch)\n");
  expect(idle.stderr).toContain("the run changed nothing that could be landed\n");
  const ran = await it.run("echo y > y");
  it.git("update-ref", "-d", it.refOf(ran));
  const again = await it.broke(["harness", "land", runIdOf(ran)]);
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: "" });
  expect(it.git("log", "--format=%s", it.refOf(ran)).split("\n").length).toBe(2);
});

test("submodules and nested repositories are not carried and not landed; a linked worktree and a repository that borrows work too", async () => {
  using it = bench();
  it.start();
  it.git("init", "-q", "nested");
  it.put("nested/file", "x");
  it.git("worktree", "add", "-q", "../linked", "-b", "side");
  it.git("clone", "-q", "--shared", ".", "../borrowing");
  for (const folder of ["linked", "borrowing"]) {
    const cwd = join(it.workspace, "..", folder);
    const ran = await it.broke(
      it.words(
        "git log --oneline | wc -l; git fsck --no-dangling 2>&1; ls; echo x > made; git init -q inner; echo i > inner/i",
      ),
      { cwd },
    );
    expect({ code: ran.code, stdout: ran.stdout.split("\n")[0] }).toEqual({ code: 0, stdout: "2" });
    expect(ran.stdout).not.toContain("error");
    const where = folder === "linked" ? it.workspace : cwd;
    expect(it.git("-C", where, "ls-tree", "--name-only", it.refOf(ran)).split("\n")).toEqual([
      ".gitignore",
      "d",
      "f",
      "made",
    ]);
  }
  const own = await it.run("ls; ls nested");
  expect(own.stdout).toEndWith("nested\n");
});

test("ordinary git work in the clone", async () => {
  using it = bench();
  it.start();
  const ran =
    await it.run(`git switch -qc topic; echo t >> f; git commit -qam t; git switch -q main; echo m > m; git add m; git commit -qm m
    git merge -q topic -m merged; git rebase -q HEAD~1 2>/dev/null || git rebase --abort; echo s >> f; git stash -q; git stash pop -q
    git checkout -q f; git worktree add -q wt; git worktree remove wt; git gc -q; git fsck --no-dangling; echo done`);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "done\n" });
});

test("not the top of a repository; conflicts; a form of refs we cannot read: refused with the way out, and nothing left", async () => {
  using it = bench();
  expect(await it.run("true")).toMatchObject({ code: 4, stderr: expect.stringContaining("use --workspace=copy\n") });
  it.start();
  it.git("switch", "-qc", "a");
  it.put("f", "a\n");
  it.git("commit", "-qam", "a");
  it.git("switch", "-q", "main");
  it.put("f", "b\n");
  it.git("commit", "-qam", "b");
  expect(() => it.git("merge", "-q", "a")).toThrow();
  expect((await it.run("true")).stderr).toStartWith("broke: the workspace has conflicts that are not resolved\n");
  it.git("merge", "--abort");
  writeFileSync(it.at(".git/config"), "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n");
  expect((await it.run("true")).code).toBe(4);
  for (const id of readdirSync(join(it.home, "runs")))
    expect(readdirSync(join(it.home, "runs", id))).not.toContain("tree");
});

test("killed while the client works: the tree is kept through reconciling and can be landed", async () => {
  using it = bench();
  it.start();
  const child = Bun.spawn([LAUNCHER, ...it.words("echo w > work; echo up; sleep 60")], {
    ...{ cwd: it.workspace, env: it.env, stdio: ["ignore", "pipe", "ignore"] },
  });
  await readFrom(child.stdout).until("up");
  child.kill("SIGKILL");
  await child.exited;
  await it.broke(["harness", "reconcile"]);
  const [id] = readdirSync(join(it.home, "runs"));
  expect((await it.broke(["harness", "land", id!])).code).toBe(0);
  expect(it.git("diff", "--name-status", "main", `refs/broke/runs/${id}`)).toBe("A\twork");
});
