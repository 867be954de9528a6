// Protected names against a worker that wants them, through the launcher: held in every folder and repository, and opened by name alone.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

const git = (cwd: string, ...args: string[]) => {
  const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: cwd },
  });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return ran.stdout.toString().trim();
};

const run = (bench: Bench, script: string, ...options: string[]) =>
  bench.broke(["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script]);

function put(bench: Bench, path: string, text = "old\n") {
  mkdirSync(dirname(join(bench.workspace, path)), { recursive: true });
  writeFileSync(join(bench.workspace, path), text);
}

/** A shell line that tries to write each, in place and by renaming another over it, and says which it could. */
const attempt = (paths: string[]) =>
  paths
    .map(
      (path) =>
        `(echo new > ${path}) 2>/dev/null && echo "wrote ${path}"; echo x > t; mv -f t ${path} 2>/dev/null && echo "moved ${path}"`,
    )
    .join("; ");

test("settings of clients in any folder, CI, bare repositories and records of worktrees hold; nothing stays behind", async () => {
  using bench = makeBench();
  git(bench.workspace, "init", "-q");
  git(bench.workspace, "commit", "-q", "--allow-empty", "-m", "x");
  git(bench.workspace, "worktree", "add", "-q", "../linked");
  git(bench.workspace, "init", "-q", "--bare", "mirror.git");
  const there = ["a/.mcp.json", "a/.claude/settings.json", "b/.codex/config.toml", "b/.gemini/settings.json"];
  for (const path of there) put(bench, path);
  const before = readdirSync(bench.workspace).sort();
  const targets = [
    ...there,
    ...["a/.claude/hooks/x", "a/.claude/settings.local.json", "mirror.git/config", "mirror.git/hooks/pre-push"],
    ...[".git/worktrees/linked/commondir", ".git/worktrees/linked/gitdir", ".git/worktrees/linked/config.worktree"],
    ...[".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile", "azure-pipelines.yml", ".buildkite/pipeline.yml"],
    ...[".drone.yml", "bitbucket-pipelines.yml", ".devcontainer/devcontainer.json", "broke.toml", ".zshenv"],
  ];
  const ran = await run(bench, `${attempt(targets)}; mv a/.claude a/x 2>/dev/null && echo renamed; rm -f t; echo over`);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "over\n" });
  expect(readdirSync(bench.workspace).sort()).toEqual(before);
  for (const path of there) expect(readFileSync(join(bench.workspace, path), "utf8")).toBe("old\n");
  expect(git(join(bench.workspace, "../linked"), "status", "--porcelain")).toBe("");
});

test("a name is opened exactly as written, on record, and never without a warning", async () => {
  using bench = makeBench();
  git(bench.workspace, "init", "-q");
  put(bench, ".env", "SECRET=1\n");
  put(bench, "a/.env", "SECRET=2\n");
  const script = `cat .env a/.env 2>/dev/null; ${attempt([".npmrc", ".git/hooks/x", ".mcp.json", "a/.npmrc"])}; rm -f t; true`;
  const ran = await run(bench, script, "--allow-protected=.npmrc", "--allow-protected=.env");
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({
    code: 0,
    stdout: "SECRET=1\nwrote .npmrc\nmoved .npmrc\nwrote a/.npmrc\nmoved a/.npmrc\n",
  });
  expect(ran.stderr).toContain("opened by --allow-protected: .npmrc, .env\n");
  expect(ran.stderr).toContain(" ACCEPT_WITH_WARNINGS exit 0");
  const events = (await bench.broke(["harness", "events", runIdOf(ran), "--json"])).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const planned = events.find(({ event }) => event === "sandbox.planned");
  expect(planned.data.opened).toEqual([".npmrc", ".env"]);
  const audit = JSON.parse((await bench.broke(["audit", "--json"])).stdout) as { start: { permissions: object } }[];
  expect(audit[0]!.start.permissions).toMatchObject({ protected_opened: [".npmrc", ".env"] });
});

test("unknown names and profiles that protect nothing are usage errors", async () => {
  using bench = makeBench();
  for (const words of [
    ["--allow-protected=src"],
    ["--allow-protected"],
    ["--sandbox", "normal", "--allow-protected=.npmrc"],
  ]) {
    expect((await run(bench, "touch made", ...words)).code).toBe(2);
  }
  expect(existsSync(join(bench.workspace, "made"))).toBe(false);
});

test("a link at a protected name in any folder is refused before anything is made", async () => {
  using bench = makeBench();
  mkdirSync(join(bench.workspace, "a"));
  symlinkSync("/oldroot/tmp", join(bench.workspace, "a/.codex"));
  const ran = await run(bench, "true");
  expect({ code: ran.code, made: readdirSync(bench.workspace) }).toEqual({ code: 4, made: ["a"] });
});

test("hooks where the repository's configuration has them, and the files it includes, are its hooks and configuration too", async () => {
  using bench = makeBench();
  git(bench.workspace, "init", "-q");
  git(bench.workspace, "config", "core.hooksPath", ".githooks");
  git(bench.workspace, "config", "include.path", "../git/shared.inc");
  put(bench, ".githooks/pre-commit");
  put(bench, "git/shared.inc", "[include]\n\tpath = deeper.inc\n");
  git(bench.workspace, "init", "-q", "sub");
  git(join(bench.workspace, "sub"), "config", "core.hooksPath", join(bench.workspace, "sub/not-yet"));
  const targets = [
    ".githooks/pre-commit",
    ".githooks/post-merge",
    "git/shared.inc",
    "git/deeper.inc",
    "sub/not-yet/pre-push",
  ];
  const ran = await run(bench, `${attempt(targets)}; mv git g 2>/dev/null && echo renamed; rm -f t; echo over`);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "over\n" });
  expect(readdirSync(join(bench.workspace, "git"))).toEqual(["shared.inc"]);
  expect(readdirSync(join(bench.workspace, "sub"))).toEqual([".git"]);

  git(bench.workspace, "add", ".githooks", "git");
  git(bench.workspace, "-c", "core.hooksPath=/dev/null", "commit", "-qm", "x");
  const plumbed = await run(
    bench,
    "b=$(echo evil | git hash-object -w --stdin); git update-index --add --cacheinfo 100755,$b,.githooks/post-merge; git commit -qm x",
    "--workspace=worktree",
  );
  expect(plumbed.stderr).toContain("not landed, because it changes protected names: .githooks/post-merge\n");
});
