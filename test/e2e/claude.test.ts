// The real Claude Code, strict, through our gateway, over every outbound dialect there is: several turns, two tools, an interrupt. The same
// conversation outside the sandbox must have the same shape.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dialect } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { LAUNCHER, makeBench, ROOT, runIdOf } from "#test/support/broke.ts";
import { testMediation } from "#test/support/mediation.ts";
import { sit } from "#test/support/terminal.ts";
import { converse, shapeOf, streamJsonArgs } from "#test/support/stream-json.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { say, type Script, task, tool } from "#test/support/upstream/script.ts";

testMediation({
  client: "claude",
  slot: "sonnet",
  dialects: ["openai-chat", "openai-responses", "gemini", "anthropic"],
  ask: (prompt) => ["-p", prompt],
  resume: (prompt) => ["--continue", "-p", prompt],
  shell: (command) => tool("Bash", { command, description: "d" }),
  write: (path, text) => tool("Write", { file_path: path, content: text }),
  noncesInTools: 1,
  closesFolder: false,
  interrupted: 0,
  traps: (workspace) => {
    const hook = (name: string) => [{ hooks: [{ type: "command", command: `touch ${workspace}/sprung-${name}` }] }];
    return {
      ".claude/settings.json": JSON.stringify({
        hooks: { SessionStart: hook("start"), PreToolUse: hook("tool"), SessionEnd: hook("end") },
        env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:9", ANTHROPIC_MODEL: "evil" },
      }),
      ".mcp.json": JSON.stringify({ mcpServers: { evil: { command: "touch", args: [`${workspace}/sprung-mcp`] } } }),
    };
  },
  state: {
    ...{ folder: ".claude", settings: "settings.json", secret: ".credentials.json", sessions: "projects" },
    ...{ kept: /^\.claude\/projects\/[^/]+\/[^/]+\.jsonl$/, runs: "shell-snapshots" },
    shared: [...["projects", "file-history", "todos", "tasks", "plans", "paste-cache", "image-cache", "history.jsonl"]],
  },
});

const CLAUDE = join(ROOT, "node_modules", ".bin", "claude");
const never = new Promise<void>(() => {});

/** Two tools and a word; after the second question a silence to interrupt; after the third a word. */
function script(workspace: string): Script {
  const work = task([
    {
      ...say("Looking.", tool("Bash", { command: "echo from-bash > bash.txt && cat bash.txt", description: "d" })),
      pieces: 3,
    },
    { ...say(tool("Write", { file_path: join(workspace, "hello.txt"), content: "hello from claude\n" })), split: 13 },
    say("All done."),
  ]);
  return (seen, index) => {
    const last = seen.history.findLast(({ role, text }) => role === "user" && text !== "")?.text ?? "";
    if (last.includes("wait forever")) return { ...say("Waiting now"), pieces: 1, pause: { after: 3, until: never } };
    if (last.includes("carry on")) return say("Carried on.");
    return work(seen, index);
  };
}

type Told = { shapes: string[]; results: string[]; code: number; stderr: string };

async function hold(child: Bun.Subprocess<"pipe", "pipe", "pipe">): Promise<Told> {
  const talk = converse(child);
  const isResult = (line: { type: string }) => line.type === "result";
  talk.say("make the files");
  const first = await talk.until(isResult);
  talk.say("wait forever");
  await talk.until((line) => JSON.stringify(line).includes("Waiting"));
  await talk.control({ subtype: "interrupt" });
  const second = await talk.until(isResult);
  talk.say("carry on");
  const third = await talk.until(isResult);
  const { code, stderr } = await talk.end();
  const results = [first, second, third].map((line) => String(line["result"] ?? line["subtype"]));
  return { shapes: talk.lines.map(shapeOf), results, code, stderr };
}

const base = (url: string, dialect: Dialect) => (dialect === "anthropic" ? url : `${url}/v1`);

async function outside(dialect: Dialect): Promise<Told> {
  const home = mkdtempSync(join(tmpdir(), "claude-home-"));
  const workspace = mkdtempSync(join(tmpdir(), "claude-ws-"));
  await using upstream = await startUpstream(script(workspace));
  await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
  const child = Bun.spawn(
    [CLAUDE, "--setting-sources", "user", "--permission-mode", "bypassPermissions", ...streamJsonArgs],
    {
      cwd: workspace,
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        HOME: home,
        CLAUDE_CONFIG_DIR: join(home, ".claude"),
        IS_SANDBOX: "1",
        ANTHROPIC_BASE_URL: gateway.url,
        ANTHROPIC_AUTH_TOKEN: TOKEN,
        ANTHROPIC_MODEL: "sonnet",
        ANTHROPIC_DEFAULT_HAIKU_MODEL: "sonnet",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
        CLAUDE_CODE_MAX_CONTEXT_TOKENS: "200000",
        DISABLE_INSTALLATION_CHECKS: "1",
      },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  try {
    return await hold(child);
  } finally {
    rmSync(home, { recursive: true, force: true });
    rmSync(workspace, { recursive: true, force: true });
  }
}

for (const dialect of ["anthropic", "openai-chat"] as const) {
  describe(`claude, strict, over ${dialect}`, () => {
    let bench: ReturnType<typeof makeBench>;
    let upstream: Upstream;
    let told: Told;

    beforeAll(async () => {
      bench = makeBench();
      upstream = await startUpstream(script(bench.workspace));
      const added = await bench.broke([
        ...["backend", "add", "scripted", "--base-url", base(upstream.url, dialect)],
        ...["--dialect", dialect, "--model", "m", "--key-env", "TEST_PROVIDER_KEY"],
      ]);
      expect(added.stderr).toBe("");
      writeFileSync(join(bench.home, ".env"), "TEST_PROVIDER_KEY=provider-key-value\n", { mode: 0o600 });
      expect((await bench.broke(["swap", "all=scripted"])).code).toBe(0);
      const child = Bun.spawn([LAUNCHER, "harness", "run", "--", ...streamJsonArgs], {
        cwd: bench.workspace,
        env: bench.env,
        stdio: ["pipe", "pipe", "pipe"],
      });
      told = await hold(child);
    });
    afterAll(async () => {
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    });

    test("the task is done: both tools ran, the files are there", () => {
      expect({ code: told.code, results: told.results }).toEqual({
        code: 0,
        results: ["All done.", "error_during_execution", "Carried on."],
      });
      expect(readFileSync(join(bench.workspace, "bash.txt"), "utf8")).toBe("from-bash\n");
      expect(readFileSync(join(bench.workspace, "hello.txt"), "utf8")).toBe("hello from claude\n");
    });

    test("the sequence of message shapes is that of outside the sandbox", async () => {
      expect(told.shapes).toEqual((await outside(dialect)).shapes);
    });

    test("the interrupt reached the provider as a cancelled call", () => {
      expect(upstream.asked().filter(({ aborted }) => aborted)).toHaveLength(1);
    });

    test("the provider got its key, and nothing of ours", () => {
      for (const { headers, raw } of upstream.asked()) {
        const key = dialect === "anthropic" ? headers["x-api-key"] : headers["authorization"];
        expect(key).toBe(dialect === "anthropic" ? "provider-key-value" : "Bearer provider-key-value");
        expect(`${JSON.stringify(headers)}${raw.toString()}`).not.toMatch(/brokerun_|BROKE_/);
      }
    });

    test("the ledger explains the files and every request, and verifies; an edit of any line is caught", async () => {
      const id = runIdOf({ code: 0, stdout: "", stderr: told.stderr });
      const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
      expect(shown.inventory.changes).toMatchObject([
        { change: "created", path: "bash.txt" },
        { change: "created", path: "hello.txt" },
      ]);
      expect(shown.requests).toHaveLength(upstream.asked().length);
      expect(shown.requests.filter(({ status }: { status: number }) => status === 200).length).toBe(
        upstream.asked().length - 1,
      );
      expect(shown.requests.filter(({ aborted }: { aborted: boolean }) => aborted)).toHaveLength(1);
      expect(shown.requests[0]).toMatchObject({
        slot: "sonnet",
        backend: "scripted",
        inputTokens: 100,
        outputTokens: 20,
      });
      const file = join(bench.home, "runs", id, "ledger.jsonl");
      const good = readFileSync(file, "utf8");
      expect(good).toContain("echo from-bash");
      expect(good).not.toContain("provider-key-value");
      expect(good).not.toContain("brokerun_");
      expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
      const lines = good.split("\n").slice(0, -1);
      for (let index = 0; index < lines.length; index++) {
        const edited = lines.with(index, lines[index]!.replace(/"ts":"2/, '"ts":"1'));
        writeFileSync(file, `${edited.join("\n")}\n`);
        const ran = await bench.broke(["harness", "verify", id, "--json"]);
        expect({ code: ran.code, ...JSON.parse(ran.stdout) }).toMatchObject({
          code: 1,
          state: "tampered",
          line: index + 1,
        });
      }
    });
  });
}

test("Ctrl-C of a run without a terminal ends the client, and the call it waited for", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(() => ({
    ...say("Waiting now"),
    pieces: 1,
    pause: { after: 3, until: never },
  }));
  await bench.answerFrom(upstream.url);
  const child = Bun.spawn([LAUNCHER, "harness", "run", "--", "-p", "hello"], {
    cwd: bench.workspace,
    env: bench.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  await upstream.until((seen) => seen.some(({ dialect }) => dialect !== null));
  child.kill("SIGINT");
  const stderr = await new Response(child.stderr).text();
  await child.exited;
  await upstream.until((seen) => seen.some(({ aborted }) => aborted));
  const id = runIdOf({ code: 0, stdout: "", stderr });
  const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
  expect(shown.ledger.state).toBe("intact");
  const events = (await bench.broke(["harness", "events", id])).stdout;
  expect(events).toContain("session.interrupted");
});

test("the real TUI on a real terminal: a task, a new window size, and Ctrl-C twice to leave", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(
    task([say("Looking.", tool("Bash", { command: "echo made > tui.txt", description: "d" })), say("Finished.")]),
  );
  await bench.answerFrom(upstream.url);
  const seat = sit([LAUNCHER, "harness", "run"], { cwd: bench.workspace, env: bench.env, columns: 100, rows: 30 });
  await seat.until("❯");
  seat.resize(110, 35);
  seat.type("make the file");
  await seat.until(/make.*the.*file/s);
  seat.type("\r");
  await seat.until("Finished.");
  seat.type("\x03");
  await seat.until(/Ctrl-C.*again/s);
  seat.type("\x03");
  expect(await seat.exited).toBe(0);
  const id = runIdOf({ code: 0, stdout: "", stderr: seat.screen() });
  const events = (await bench.broke(["harness", "events", id])).stdout;
  expect(events).toContain("session.resized       columns 110, rows 35");
  const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
  expect({
    state: shown.ledger.state,
    changed: shown.inventory.changes.map(({ path }: { path: string }) => path),
  }).toEqual({
    state: "intact",
    changed: ["tui.txt"],
  });
});
