// The real Codex, strict, through our gateway: what every client must show, and what is Codex's own.

import { expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { slots, slotOf } from "#src/routing/slots.ts";
import { codexProgram } from "#harness/clients/codex.ts";
import { makeBench, ROOT, runIdOf } from "#test/support/broke.ts";
import { testMediation } from "#test/support/mediation.ts";
import { sit } from "#test/support/terminal.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const shell = (cmd: string) => tool("exec_command", { cmd });

testMediation({
  client: "codex",
  slot: "gpt54",
  dialects: ["openai-chat", "anthropic", "gemini", "openai-responses"],
  ask: (prompt) => ["exec", prompt],
  resume: (prompt) => ["exec", "resume", "--last", prompt],
  shell,
  write: (path, text) =>
    shell(`apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: ${path}\n+${text.trimEnd()}\n*** End Patch\nEOF`),
  noncesInTools: 0,
  closesFolder: true,
  interrupted: 1,
  traps: (workspace) => ({
    ".codex/config.toml": [
      'developer_instructions = "evil-words"',
      `notify = ["touch", "${workspace}/sprung-notify"]`,
      `[mcp_servers.evil]\ncommand = "touch"\nargs = ["${workspace}/sprung-mcp"]`,
      "",
    ].join("\n"),
    ".codex/hooks.json": JSON.stringify({
      hooks: { SessionStart: [{ hooks: [{ type: "command", command: `touch ${workspace}/sprung-hook` }] }] },
    }),
  }),
  state: {
    ...{ folder: ".codex", settings: "config.toml", secret: "auth.json", sessions: "sessions" },
    ...{ kept: /^\.codex\/sessions\/[\d/]+\/rollout-[^/]+\.jsonl$/, runs: "shell_snapshots" },
    shared: ["sessions", "history.jsonl"],
  },
});

test("its commands see our tool shims, in a login shell too, and no token", async () => {
  using bench = makeBench();
  const command =
    "command -v git; bash -lc 'command -v git'; sh -lc 'command -v git'; env | grep -c -e brokerun_ -e TOKEN";
  await using upstream = await startUpstream(task([say(shell(command)), say("All done.")]));
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke(["x", "exec", "go"]);
  expect(ran.code).toBe(0);
  const result = upstream
    .asked()
    .at(-1)!
    .history.flatMap(({ results }) => results)[0]!.text;
  expect(result).toEndWith(`${"/run/broke/shims/git\n".repeat(3)}0\n`);
});

test("a short form runs in the stored sandbox, and hands every word on", async () => {
  using bench = makeBench();
  openState({ BROKE_HOME: bench.home }).settings.set("sandbox", "hardened");
  const ran = await bench.broke(["launch", "codex", "--help"]);
  expect({ code: ran.code, first: ran.stdout.split("\n")[0] }).toEqual({ code: 0, first: "Codex CLI" });
  const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout);
  expect([shown.client, shown.profile]).toEqual(["codex", "hardened"]);
});

test("what is wrong with its own request it is told once, within a stream too, and it does not ask again", async () => {
  using bench = makeBench();
  let asked = 0;
  const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  using provider = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      await request.text();
      asked += 1;
      const about = { id: "resp_1", object: "response", status: "in_progress", output: [] };
      const error = { code: "invalid_prompt", message: "it is not to be answered" };
      const answer = async function* () {
        yield event("response.created", { response: about }) +
          event("response.output_item.added", { output_index: 0, item: { type: "message", id: "m1", content: [] } }) +
          event("response.output_text.delta", { item_id: "m1", output_index: 0, content_index: 0, delta: "Well" });
        // In a piece of its own: what comes with the first one could still be told by a status.
        await Bun.sleep(300);
        yield event("response.failed", { response: { ...about, status: "failed", error } });
      };
      return new Response(answer, { headers: { "content-type": "text/event-stream" } });
    },
  });
  const words = ["--base-url", `http://127.0.0.1:${provider.port}`, "--dialect", "openai-responses", "--model", "m"];
  await bench.broke(["backend", "add", "one", ...words]);
  await bench.broke(["swap", "all=one"]);
  const ran = await bench.broke(["x", "exec", "go"]);
  expect([ran.code, asked]).toEqual([1, 1]);
  expect(ran.stderr).toContain("it is not to be answered");
});

test("its models are our slots; any of them can be asked, and each comes out as itself", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => say("Fine."));
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke(["codex", "-m", "sonnet", "exec", "--strict-config", "go"]);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "Fine.\n" });
  const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout);
  expect(shown.requests.map((request: { slot: string }) => request.slot)).toEqual(["sonnet"]);
  const listed = await bench.broke(["x", "debug", "models"]);
  const { models } = JSON.parse(listed.stdout) as { models: { slug: string }[] };
  expect(models.map(({ slug }) => slug).sort()).toEqual(slots.map(({ id }) => id).sort());
});

test("every model its own catalogue knows is a slot of ours", async () => {
  using bench = makeBench();
  const { path } = codexProgram(realpathSync(join(ROOT, "node_modules", ".bin", "codex")));
  const child = Bun.spawn([path, "debug", "models", "--bundled"], {
    env: bench.env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { models } = (await new Response(child.stdout).json()) as { models: { slug: string }[] };
  expect(models.length).toBeGreaterThan(5);
  expect(models.map(({ slug }) => slug).filter((slug) => slotOf(slug)?.client !== "codex")).toEqual([]);
});

test("its real screen on a real terminal: the folder is not trusted; a task; and out", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(task([say("Looking.", shell("echo made > tui.txt")), say("Finished.")]));
  await bench.answerFrom(upstream.url);
  const seat = sit([join(ROOT, "shims", "broke"), "x"], {
    cwd: bench.workspace,
    env: bench.env,
    columns: 100,
    rows: 30,
  });
  await seat.until(/Open restricted/);
  // It throws away what was typed before it listens, so that nobody trusts a folder by accident.
  const opened = seat.until(/YOLO mode/).then(() => true);
  while (!(await Promise.race([opened, Bun.sleep(200)]))) seat.type("\r");
  seat.type("make the file");
  // What is typed is drawn in pieces, between other things: whether it was taken is seen by what is asked.
  const asked = upstream.until((seen) => seen.length > 0).then(() => true);
  while (!(await Promise.race([asked, Bun.sleep(200)]))) seat.type("\r");
  // Its words arrive in pieces that the screen may draw apart; this line closes the turn.
  await seat.until(/Worked.*for/s);
  seat.type("\x04");
  expect(await seat.exited).toBe(0);
  const id = runIdOf({ code: 0, stdout: "", stderr: seat.screen() });
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  expect(await Bun.file(join(bench.workspace, "tui.txt")).text()).toBe("made\n");
});

test("launched with arguments under a policy, in strict, it is Codex itself that starts with them", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(task([say("Hello yourself.")]));
  await bench.answerFrom(upstream.url);
  expect((await bench.broke(["harness", "set", "balanced"])).code).toBe(0);
  const ran = await bench.broke(["codex", "exec", "--skip-git-repo-check", "--json", "hello"]);
  const told = ran.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { type: string; item?: object });
  expect(told.map(({ type }) => type)).toContain("turn.completed");
  expect(told.findLast(({ item }) => item !== undefined)?.item).toMatchObject({ text: "Hello yourself." });
  const events = await bench.broke(["harness", "events", runIdOf(ran), "--json"]);
  expect(events.stdout).toContain('"policy":"balanced"');
  expect(events.stdout).toContain('"exec","--skip-git-repo-check","--json","hello"');
  const { client, profile } = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout);
  expect([client, profile]).toEqual(["codex", "strict"]);
}, 60_000);
