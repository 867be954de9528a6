// What a worker leaves to be run by somebody later, through the launcher: taken away after the run, and the work of an honest one left alone.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

type Swept = { path: string; kind: string; detail: string | null; action: string; as: string | null };

const PLAIN_UID = 54_321;

const bench = () => {
  const made = makeBench();
  const git = (...args: string[]) => {
    const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
      cwd: made.workspace,
      env: { PATH: "/usr/bin:/bin", HOME: made.workspace },
    });
    if (!ran.success) throw new Error(ran.stderr.toString());
    return ran.stdout.toString();
  };
  const at = (path: string) => join(made.workspace, path);
  const run = (script: string, ...options: string[]) =>
    made.broke(["harness", "run", "--client", "exec", ...options, "--", "bash", "-ec", script]);
  const swept = async (ran: Ran): Promise<Swept[]> =>
    JSON.parse((await made.broke(["harness", "show", runIdOf(ran), "--json"])).stdout).swept.swept;
  return { ...made, git, at, run, swept };
};

const brief = (items: Swept[]) => items.map(({ path, kind, action }) => `${kind} ${path} ${action}`).sort();

const TRAPS: [string, string, string[]][] = [
  [
    "a new repository's hook",
    "git init -q a; echo x > a/.git/hooks/post-checkout",
    ["git hook a/.git/hooks/post-checkout quarantined"],
  ],
  [
    "a hook that is a link, and a folder of hooks that is one",
    "git init -q a; ln -s ../../../evil a/.git/hooks/pre-push; git init -q b; rm -r b/.git/hooks; mkdir h; echo x > h/pre-push; ln -s ../../h b/.git/hooks",
    ["git hook a/.git/hooks/pre-push quarantined", "git hook b/.git/hooks quarantined"],
  ],
  [
    "a configuration that runs something",
    "git init -q a; git -C a config core.fsmonitor 'touch /tmp/x'; git -C a config filter.y.clean x",
    ["git configuration a/.git/config quarantined"],
  ],
  [
    "a configuration nobody understands",
    "git init -q a; echo '[core' > a/.git/config",
    ["git configuration a/.git/config quarantined"],
  ],
  [
    "a bare repository in a folder of any name",
    "mkdir -p docs/objects docs/refs; echo 'ref: refs/heads/x' > docs/HEAD; printf '[core]\\n\\tfsmonitor = x\\n' > docs/config",
    ["git configuration docs/config quarantined"],
  ],
  [
    "a repository that takes its configuration from elsewhere",
    "git init -q a; mkdir e; printf '[core]\\n\\tpager = x\\n' > e/config; echo ../../e > a/.git/commondir",
    ["git pointer a/.git/commondir quarantined"],
  ],
  [
    "the workspace's own, by way of commondir",
    "mkdir e; echo ../e > .git/commondir",
    ["git pointer .git/commondir quarantined"],
  ],
  [
    "a .git file that leads out",
    "mkdir a; echo 'gitdir: /home/other/.git' > a/.git",
    ["git pointer a/.git quarantined"],
  ],
  [
    "a .git file that leads to what is no repository",
    "mkdir a e; echo 'gitdir: ../e' > a/.git",
    ["git pointer a/.git quarantined"],
  ],
  [
    "a rebase that goes on by running something",
    "mkdir .git/rebase-merge; printf 'pick 1 x\\nexec touch x\\n' > .git/rebase-merge/git-rebase-todo",
    ["rebase that runs commands .git/rebase-merge/git-rebase-todo quarantined"],
  ],
  [
    "settings of clients in folders that had none",
    "mkdir -p a/.claude/hooks a/.codex b/.gemini; echo {} > a/.claude/settings.json; echo {} > a/.mcp.json; echo x > a/.codex/config.toml; echo {} > b/.gemini/settings.json",
    [
      ...["client settings a/.claude/hooks quarantined", "client settings a/.claude/settings.json quarantined"],
      ...[
        "client settings a/.codex quarantined",
        "client settings a/.mcp.json quarantined",
        "client settings b/.gemini quarantined",
      ],
    ],
  ],
  [
    "links at protected names in any folder",
    "mkdir a; ln -s /etc a/.vscode; ln -s ../x a/.git; ln -s /oldroot/x a/.claude; ln -s ~/.ssh/id_rsa a/.env",
    ["a/.claude", "a/.env", "a/.git", "a/.vscode"].map((path) => `link at a protected name ${path} quarantined`),
  ],
  ["pipes", "mkfifo p; mkdir a; mkfifo a/q", ["pipe a/q quarantined", "pipe p quarantined"]],
  [
    "what hides in folders nobody may enter, and cannot be moved without entering",
    "git init -q a/b; echo x > a/b/.git/hooks/pre-commit; chmod 0 a/b/.git/hooks a",
    ["git hook a/b/.git/hooks/pre-commit quarantined"],
  ],
  [
    "a folder of settings that may not be written",
    "mkdir a; mkdir a/.codex; echo x > a/.codex/config.toml; chmod 0555 a/.codex a",
    ["client settings a/.codex quarantined"],
  ],
  [
    "names that are not UTF-8",
    "git init -q $'\\xff'; echo x > $'\\xff'/.git/hooks/pre-commit",
    ["git hook \\xff/.git/hooks/pre-commit quarantined"],
  ],
];

describe("taken away, named, and never accepted without a word", () => {
  for (const [name, script, expected] of TRAPS) {
    test(name, async () => {
      using it = bench();
      it.git("init", "-q");
      const ran = await it.run(script);
      expect({ code: ran.code, stderr: ran.stderr.split("\n").at(-2) }).toEqual({
        code: 0,
        stderr: expect.stringContaining(" ACCEPT_WITH_WARNINGS exit 0"),
      });
      const found = await it.swept(ran);
      expect(brief(found)).toEqual(expected.toSorted());
      for (const { path, as } of found) {
        if (!path.includes("\\x")) expect(lstatSync(it.at(path), { throwIfNoEntry: false })).toBeUndefined();
        expect(lstatSync(as!)).toBeDefined();
      }
      const quarantine = join(it.home, "runs", runIdOf(ran), "quarantine");
      expect(statSync(quarantine).mode & 0o777).toBe(0o700);
    });
  }
});

test("sockets in normal; what was there before stays", async () => {
  using it = bench();
  it.git("init", "-q", "mine");
  it.git("-C", "mine", "config", "core.editor", "vim");
  writeFileSync(it.at("mine/.git/hooks/pre-commit"), "#!/bin/sh\n", { mode: 0o755 });
  expect(Bun.spawnSync(["mkfifo", it.at("pipe")]).success).toBe(true);
  const ran = await it.run(
    `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "s", Listen => 1)'; git -C mine config user.name x`,
    ...["--sandbox", "normal"],
  );
  expect(brief(await it.swept(ran))).toEqual(["socket s quarantined"]);
  expect(existsSync(it.at("mine/.git/hooks/pre-commit"))).toBe(true);
  expect(it.git("-C", "mine", "config", "core.editor")).toBe("vim\n");
});

test("across file systems it is copied, links as links, and the original removed", async () => {
  using it = bench();
  const home = mkdtempSync("/dev/shm/broke-sweep-");
  try {
    const script =
      "git init -q a; echo hook > a/.git/hooks/pre-push; mkdir -p a/.codex; echo x > a/.codex/config.toml; ln -s /etc a/.vscode; mkfifo p";
    const env = { BROKE_HOME: home };
    const ran = await it.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", script], { env });
    const shown = await it.broke(["harness", "show", runIdOf(ran), "--json"], { env });
    const found: Swept[] = JSON.parse(shown.stdout).swept.swept;
    expect(brief(found)).toEqual([
      "client settings a/.codex quarantined",
      "git hook a/.git/hooks/pre-push quarantined",
      "link at a protected name a/.vscode quarantined",
      "pipe p removed",
    ]);
    const as = (path: string) => found.find((item) => item.path === path)!.as!;
    expect(readFileSync(as("a/.git/hooks/pre-push"), "utf8")).toBe("hook\n");
    expect(readFileSync(join(as("a/.codex"), "config.toml"), "utf8")).toBe("x\n");
    expect(lstatSync(as("a/.vscode")).isSymbolicLink()).toBe(true);
    expect([readdirSync(it.workspace), readdirSync(it.at("a"))]).toEqual([["a"], [".git"]]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("what was opened by name is left", async () => {
  using it = bench();
  it.git("init", "-q");
  const ran = await it.run(
    "echo x > .git/hooks/pre-push; echo {} > .mcp.json",
    "--allow-protected=.git/hooks,.mcp.json",
  );
  expect(await it.swept(ran)).toEqual([]);
  expect(existsSync(it.at(".git/hooks/pre-push"))).toBe(true);
});

test("ordinary work with git: nothing of it is taken, nothing of it fails", async () => {
  using it = bench();
  it.git("init", "-q", "-b", "main");
  writeFileSync(it.at("f"), "1\n");
  it.git("add", ".");
  it.git("commit", "-qm", "one");
  const script = `
    git switch -qc topic; echo 2 >> f; git commit -qam two
    git switch -q main; echo a > g; git add g; git commit -qm g
    git merge -q topic -m merged; git branch -q -D topic 2>/dev/null || true
    git switch -qc other HEAD~1; echo o > o; git add -A; git commit -qm o; git rebase -q main
    echo s >> f; git stash -q; git stash pop -q; git checkout -q f; git tag t; git reset -q --hard main; git gc -q
    git worktree add -q wt -b side; (cd wt; echo w > w; git add w; git commit -qm w)
    git init -q fresh; (cd fresh; echo x > x; git add x; git commit -qm x)
    git clone -q fresh copied; git -C copied log --oneline >/dev/null
    test -z "$(git status --porcelain | grep -v -e fresh/ -e copied/ -e wt/)"; git fsck --no-progress --no-dangling; echo done`;
  const ran = await it.run(script);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "done\n" });
  expect(await it.swept(ran)).toEqual([]);
  expect(ran.stderr).toContain(" ACCEPT exit 0");
  expect(it.git("log", "--oneline", "side").split("\n").length).toBeGreaterThan(4);
});

test("a run whose supervisor was killed is swept when it is reconciled", async () => {
  using it = bench();
  it.git("init", "-q");
  const child = Bun.spawn(
    [
      LAUNCHER,
      "harness",
      "run",
      "--client",
      "exec",
      "--",
      "sh",
      "-c",
      "git init -q a; echo x > a/.git/hooks/pre-push; echo up; sleep 60",
    ],
    { cwd: it.workspace, env: it.env, stdio: ["ignore", "pipe", "ignore"] },
  );
  await readFrom(child.stdout).until("up");
  child.kill("SIGKILL");
  await child.exited;
  expect(existsSync(it.at("a/.git/hooks/pre-push"))).toBe(true);
  expect((await it.broke(["harness", "reconcile"])).stdout).toContain("abandoned");
  expect(existsSync(it.at("a/.git/hooks/pre-push"))).toBe(false);
  const [id] = readdirSync(join(it.home, "runs"));
  const shown = JSON.parse((await it.broke(["harness", "show", id!, "--json"])).stdout);
  expect(brief(shown.swept.swept)).toEqual(["git hook a/.git/hooks/pre-push quarantined"]);
});

test.skipIf(process.getuid!() !== 0)("as a plain user (needs root to become one)", async () => {
  using it = bench();
  const dir = it.env["HOME"]!;
  mkdirSync(it.home, { mode: 0o700 });
  for (const path of [dir, it.home, it.workspace])
    expect(Bun.spawnSync(["chown", "-R", String(PLAIN_UID), path]).success).toBe(true);
  const script =
    "git init -q a; echo x > a/.git/hooks/pre-push; mkdir a/.codex; chmod 0555 a/.codex; chmod 0 a/.git/hooks; chmod 0 a";
  const ran = await it.run(script);
  const ledger = readFileSync(join(it.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8")
    .trim()
    .split("\n");
  const record = ledger.map((line) => JSON.parse(line)).find(({ event }) => event === "workspace.swept");
  expect(brief(record.data.swept)).toEqual([
    "client settings a/.codex quarantined",
    "git hook a/.git/hooks/pre-push quarantined",
  ]);
});
