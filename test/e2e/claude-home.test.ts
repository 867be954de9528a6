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
  expect(readdirSync(run).sort()).toEqual(["contract.json", "home", "ledger.jsonl", "lock"]);
  const kept = filesBelow(join(run, "home"));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.filter((path) => !path.startsWith(".claude/projects/"))).toEqual([]);
  const texts = kept.map((path) => readFileSync(join(run, "home", path), "utf8")).join("");
  expect(texts).toContain("finished");
  expect(texts).not.toContain("sk-ant-of-the-operator");
});
