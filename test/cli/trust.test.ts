// A pull request whose author would like to instruct the agent that works on it: its instructions and settings are the base's. Real git, through the
// real launcher.

import { describe, expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isConfiguration } from "#harness/base-config.ts";
import { git, put } from "#test/support/git.ts";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

/** A checkout of the pull request; returns the environment of the job. */
function checkout(bench: Bench, change: (folder: string) => void): Record<string, string> {
  const folder = bench.workspace;
  git(folder, "init", "-q");
  put(folder, { "CLAUDE.md": "base\n", "docs/AGENTS.md": "base docs\n", "a.txt": "a\n" });
  put(folder, { "broke.toml": '[harness]\npolicy = "throughput"\nforbidden-paths = ["a.txt"]\n' });
  git(folder, "add", "-A");
  git(folder, "commit", "-qm", "base");
  const sha = git(folder, "rev-parse", "HEAD");
  change(folder);
  git(folder, "add", "-A");
  git(folder, "commit", "-qm", "head");
  const event = join(dirname(folder), "event.json");
  writeFileSync(event, JSON.stringify({ pull_request: { title: "t", base: { sha } } }));
  return { CI: "true", GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request_target", GITHUB_EVENT_PATH: event };
}

const hostile = (folder: string) => {
  put(folder, {
    "CLAUDE.md": "evil\n",
    "AGENTS.md": "evil\n",
    "docs/AGENTS.md": "evil\n",
    "sub/CLAUDE.md": "evil\n",
    "GEMINI.md": "evil\n",
    ".npmrc": "evil=1\n",
    ".claude/settings.json": '{"evil":1}\n',
    ".agents/skills/x/SKILL.md": "evil\n",
    "node_modules/x/CLAUDE.md": "a package's\n",
    "broke.toml": "[harness]\n",
  });
};
const READ =
  "cat CLAUDE.md AGENTS.md docs/AGENTS.md sub/CLAUDE.md GEMINI.md .npmrc .claude/settings.json .agents/skills/x/SKILL.md node_modules/x/CLAUDE.md";
const run = (bench: Bench, options: string[], script: string, env: Record<string, string>) =>
  bench.broke(["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script], { env });

describe("in a pull request", () => {
  test("instructions and settings are the base's, and so is what the project is held to; the checkout stays as it is", async () => {
    using bench = makeBench();
    const env = checkout(bench, hostile);
    for (const mode of ["direct", "worktree", "copy"]) {
      const ran = await run(bench, ["--workspace", mode], `${READ}; echo mine > CLAUDE.md; grep -c . broke.toml`, env);
      expect([mode, ran.stdout]).toEqual([mode, "base\nbase docs\na package's\n3\n"]);
      expect(ran.stderr).toContain("configuration is taken from the pull request's base");
      const ledger = readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8");
      const registered = JSON.parse(ledger.split("\n")[0]!) as { data: Record<string, unknown> };
      expect(registered.data).toMatchObject({ policy: "throughput", forbidden: ["a.txt"] });
      expect(registered.data["instructions"]).toMatch(/^[0-9a-f]{40}$/);
    }
    expect(readFileSync(join(bench.workspace, "CLAUDE.md"), "utf8")).toBe("evil\n");
    expect(git(bench.workspace, "status", "--porcelain")).toBe("");
  }, 60_000);

  test("a verification sees the base's too", async () => {
    using bench = makeBench();
    const env = checkout(bench, hostile);
    const ran = await run(
      bench,
      ["--workspace", "copy", "--verify", "grep -q base CLAUDE.md && ! grep -q evil .npmrc"],
      "echo x > made",
      env,
    );
    expect([ran.code, ran.stderr.includes(" ACCEPT ")]).toEqual([0, true]);
  });

  test("--trust head takes what the change brings", async () => {
    using bench = makeBench();
    const env = checkout(bench, hostile);
    const ran = await run(bench, ["--trust", "head", "--workspace", "direct"], "cat CLAUDE.md", env);
    expect([ran.code, ran.stdout]).toEqual([0, "evil\n"]);
  });

  test("a link among instructions leads to instructions, or nothing is launched", async () => {
    using good = makeBench();
    using bad = makeBench();
    const linked = (to: string) => (folder: string) => {
      put(folder, { "AGENTS.md": "evil\n", "notes.md": "evil\n" });
      symlinkSync(to, join(folder, "GEMINI.md"));
    };
    const fine = await run(good, ["--workspace", "direct"], "cat GEMINI.md", checkout(good, linked("AGENTS.md")));
    const refused = await run(bad, ["--workspace", "direct"], "cat GEMINI.md", checkout(bad, linked("notes.md")));
    expect([fine.code, fine.stdout]).toEqual([0, ""]);
    expect([refused.code, refused.stdout]).toEqual([4, ""]);
    expect(refused.stderr).toContain("GEMINI.md is a link to something else");
  });

  test("a link in the place of a folder of settings leads to another such folder, or nothing is launched", async () => {
    const linked = (to: string) => (folder: string) => {
      const files = [".codex/x", "plain/x", "plain/CLAUDE.md", "node_modules/.codex/x"];
      put(folder, Object.fromEntries(files.map((name) => [name, "evil\n"])));
      symlinkSync("node_modules", join(folder, "sub"));
      symlinkSync(to, join(folder, ".claude"));
    };
    // In the other profiles such a link is refused whatever it leads to.
    const read = async (to: string) => {
      using bench = makeBench();
      const { code, stdout, stderr } = await run(
        bench,
        ["--sandbox", "normal", "--workspace", "direct"],
        "cat .claude/x",
        checkout(bench, linked(to)),
      );
      return [to, code, stdout, stderr.includes(".claude is a link to something else")];
    };
    expect(await read(".codex")).toEqual([".codex", 0, "", false]);
    for (const to of ["plain", "./plain/", "sub/.codex"]) expect(await read(to)).toEqual([to, 4, "", true]);
  }, 60_000);

  test("a base that was not checked out keeps the run from being launched, and says what to do", async () => {
    using bench = makeBench();
    const env = checkout(bench, hostile);
    writeFileSync(env["GITHUB_EVENT_PATH"]!, JSON.stringify({ pull_request: { base: { sha: "1".repeat(40) } } }));
    const ran = await run(bench, ["--workspace", "direct"], "cat CLAUDE.md", env);
    expect([ran.code, ran.stdout]).toEqual([4, ""]);
    expect(ran.stderr).toContain("fetch-depth: 0");
  });
});

test.each([
  ["base", "there is no pull request here"],
  ["bse", "unknown trust"],
])("--trust %s elsewhere is a mistake", async (word, said) => {
  using bench = makeBench();
  const ran = await run(bench, ["--trust", word], "true", {});
  expect([ran.code, ran.stderr.includes(said)]).toEqual([2, true]);
});

test("what is configuration", () => {
  const yes = ["CLAUDE.md", "a/b/AGENTS.md", ".claude/commands/x.md", "a/.husky/pre-commit", ".npmrc", "bunfig.toml"];
  const no = ["README.md", "claude.md.txt", ".claude", "node_modules/a/CLAUDE.md", ".git/AGENTS.md", "src/gemini/x.ts"];
  expect([yes.filter((path) => !isConfiguration(path)), no.filter(isConfiguration)]).toEqual([[], []]);
});
