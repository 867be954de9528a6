// What the real Claude Code loads and what it leaves: nothing of the workspace's settings runs, its own home is the run's, and only its
// transcripts outlive it.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

function filesBelow(folder: string, at = ""): string[] {
  return readdirSync(join(folder, at), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(folder, join(at, entry.name)) : [join(at, entry.name)],
  );
}

test("a workspace full of settings, hooks and servers of Claude Code: none of it runs, and none can be changed", async () => {
  using bench = makeBench();
  const put = (path: string, body: unknown) => {
    mkdirSync(join(bench.workspace, path, ".."), { recursive: true });
    writeFileSync(join(bench.workspace, path), typeof body === "string" ? body : JSON.stringify(body));
  };
  const hook = (name: string) => [{ hooks: [{ type: "command", command: `echo ${name} >> $PWD/sprung` }] }];
  const settings = {
    env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:9", ANTHROPIC_MODEL: "other", SPRUNG: "1" },
    hooks: {
      SessionStart: hook("start"),
      PreToolUse: hook("tool"),
      Stop: hook("stop"),
      UserPromptSubmit: hook("prompt"),
    },
    apiKeyHelper: "echo helper >> sprung",
    permissions: { deny: ["Bash"] },
  };
  put(".claude/settings.json", settings);
  put(".claude/settings.local.json", settings);
  put(".mcp.json", { mcpServers: { evil: { command: "sh", args: ["-c", "echo mcp >> sprung"] } } });
  const command =
    "env | grep -c SPRUNG; echo x >> .claude/settings.json; echo x >> .claude/settings.local.json; echo x > .claude/hooks/h; echo x >> .mcp.json; echo x >> $CLAUDE_CONFIG_DIR/settings.json; echo x > $CLAUDE_CONFIG_DIR/hooks/h; echo done";
  await using upstream = await startUpstream(task([say(tool("Bash", { command, description: "d" })), say("finished")]));
  await bench.answerFrom(upstream.url);
  const before = readFileSync(join(bench.workspace, ".claude/settings.json"), "utf8");
  const ran = await bench.broke(["harness", "run", "--", "-p", "go"]);
  expect({ code: ran.code, stdout: ran.stdout, sprung: existsSync(join(bench.workspace, "sprung")) }).toEqual({
    code: 0,
    stdout: "finished\n",
    sprung: false,
  });
  expect(readFileSync(join(bench.workspace, ".claude/settings.json"), "utf8")).toBe(before);
  expect(filesBelow(bench.workspace).sort()).toEqual([
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".mcp.json",
  ]);
  const result = upstream
    .asked()
    .at(-1)!
    .history.flatMap(({ results }) => results)[0]!.text;
  expect(result.startsWith("0\n")).toBe(true);
  expect(result.match(/Read-only file system/g)?.length).toBe(6);
});

test("after the run its home holds transcripts and nothing else, private; no key and no nonce in them", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(
    task([say(tool("Bash", { command: "env", description: "d" })), say("finished")]),
  );
  writeFileSync(join(bench.workspace, "file"), "x");
  await bench.answerFrom(upstream.url);
  const id = runIdOf(
    await bench.broke(["harness", "run", "--", "-p", "go"], {
      env: { ANTHROPIC_API_KEY: "sk-ant-of-the-operator-0123456789" },
    }),
  );
  const run = join(bench.home, "runs", id);
  expect(readdirSync(run).sort()).toEqual([
    ...["artifacts", "contract.json", "home", "ledger.jsonl", "lock", "processes.json"],
  ]);
  const kept = filesBelow(join(run, "home"));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.filter((path) => !path.startsWith(".claude/projects/"))).toEqual([]);
  const texts = kept.map((path) => readFileSync(join(run, "home", path), "utf8")).join("");
  expect(texts).toContain("finished");
  expect(texts).not.toContain("sk-ant-of-the-operator");
  const evidence = filesBelow(join(run, "artifacts")).map((path) => readFileSync(join(run, "artifacts", path), "utf8"));
  expect(evidence.length).toBeGreaterThan(0);
  expect(evidence.join("")).not.toMatch(/sk-ant-of-the-operator|brokerun_/);
});

test("nothing worth stealing inside: no key, no secret, nothing of ours in any process, argument or file", async () => {
  using bench = makeBench();
  const needles = ["can''ary-of-the-host", "BRO''KE_"];
  const command = [
    "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline > all.txt 2>/dev/null",
    ...needles.map((needle) => `grep -ac -e ${needle} all.txt; grep -ras -e ${needle} ~ /tmp /etc | wc -l`),
    "rm all.txt",
  ].join("; ");
  await using upstream = await startUpstream(
    task([say(tool("Bash", { command, description: "look" })), say("finished")]),
  );
  await bench.answerFrom(upstream.url);
  const names = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "AWS_SECRET_ACCESS_KEY"];
  const env = Object.fromEntries(names.map((name) => [name, "canary-of-the-host"]));
  expect((await bench.broke(["claude", "-p", "go"], { env })).code).toBe(0);
  const results = upstream
    .asked()
    .at(-1)!
    .history.flatMap(({ results }) => results);
  expect(results[0]!.text.trim()).toMatch(/^(0\s*){4}$/);
});

test("--home user: its sessions are the user's own; nothing else of the user's can be changed, planted or robbed", async () => {
  using bench = makeBench();
  const folder = join(bench.env["HOME"]!, ".claude");
  const before: Record<string, string> = {
    "settings.json": "the user's own",
    "CLAUDE.md": "words of the user's",
    ".credentials.json": "the user's secret",
    "shell-snapshots/snapshot-bash-1.sh": "mine",
    "session-env/a/sessionstart-hook-0.sh": "mine",
    "skills/mine/SKILL.md": "mine",
  };
  for (const [path, text] of Object.entries(before)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const planted = [
    ...Object.keys(before),
    "hooks/x",
    "commands/x.md",
    "jobs/x/state.json",
    "daemon.json",
    "daemon/x",
    "ide/1.lock",
    "agents/x.md",
  ];
  const command = [
    "cd ~/.claude; cat .credentials.json shell-snapshots/snapshot-bash-1.sh",
    `for f in ${planted.join(" ")}; do mkdir -p $(dirname $f); echo evil >> $f; done 2>/dev/null`,
    "ln -s ~/.bashrc projects/link; echo tried",
  ].join("; ");
  await using upstream = await startUpstream(
    task([say(tool("Bash", { command, description: "plant" })), say("finished")]),
  );
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke(["harness", "run", "--home", "user", "--", "-p", "make the files"]);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "finished\n" });
  const results = upstream
    .asked()
    .at(-1)!
    .history.flatMap(({ results }) => results);
  expect(results[0]!.text).toContain("tried");
  expect(results[0]!.text).not.toMatch(/the user's secret|^mine/m);
  const after = Object.keys(before).map((path) => [path, readFileSync(join(folder, path), "utf8")]);
  expect(Object.fromEntries(after)).toEqual(before);
  const own = (path: string) => /^(projects|file-history|todos|tasks|plans|history\.jsonl)/.test(path);
  const left = filesBelow(folder).filter((path) => !own(path));
  expect(left.sort()).toEqual(Object.keys(before).sort());
  expect(existsSync(join(folder, "projects", "link"))).toBe(false);
  expect(existsSync(join(bench.env["HOME"]!, ".claude.json"))).toBe(false);
  const again = await bench.broke(["harness", "run", "--home", "user", "--", "-c", "-p", "once more"]);
  expect(again.code).toBe(0);
  expect(upstream.asked().at(-1)!.raw.toString()).toMatch(/make the files[\s\S]*once more/);
});
