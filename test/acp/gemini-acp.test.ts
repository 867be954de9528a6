// `broke gemini-acp` with the real Gemini CLI in strict and a scripted model: sessions that live on between commands, modes that are held to, a prompt that
// another command cancels, and what it says where nothing comes up.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const run = async (bench: Bench, ...words: string[]) => {
  const { code, stdout, stderr } = await bench.broke(["gemini-acp", ...words, "--json"]);
  return { code, stderr, told: JSON.parse(stdout) as Record<string, unknown> };
};
const ledgers = (bench: Bench) =>
  readdirSync(join(bench.home, "runs")).map((id) => readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8"));

test("a session from one command to the next: its words, its mode, its run and its verdict", async () => {
  using bench = makeBench();
  const make = say(tool("run_shell_command", { command: "touch made", description: "d" }));
  await using upstream = await startUpstream((seen, index) => {
    const asked = seen.history.findLast(({ role, results }) => role === "user" && results.length === 0)?.text ?? "";
    const word = asked.includes("Which") ? [say("It was plum.")] : [make, say("Remember plum.")];
    return task(word)(seen, index);
  });
  await bench.answerFrom(upstream.url);
  const opened = await run(bench, "new-session", "--mode", "auto");
  const { sessionId } = opened.told["session"] as { sessionId: string };
  expect(opened).toMatchObject({
    ...{
      code: 0,
      told: { ok: true, initialize: { protocolVersion: 1 }, session: { modes: { currentModeId: "auto" } } },
    },
  });
  const first = await run(bench, "prompt", "--session-id", sessionId, "--text", "Make it.");
  expect(first).toMatchObject({
    code: 0,
    told: { ok: true, prompt: { stopReason: "end_turn", text: "Remember plum.", restarts: 0, verdict: "ACCEPT" } },
  });
  expect(existsSync(join(bench.workspace, "made"))).toBe(true);
  const mode = await run(bench, "set-mode", "--session-id", sessionId, "--mode", "ask");
  expect(mode.told).toMatchObject({ ok: true, mode: "ask" });
  const plain = await bench.broke(["gemini-acp", "prompt", "--session-id", sessionId, "--text", "Which word?"]);
  expect([plain.code, plain.stdout]).toEqual([0, "It was plum.\n"]);
  expect(JSON.stringify(upstream.asked().at(-1)?.body)).toContain("Remember plum.");
  const loaded = await run(bench, "load-session", "--session-id", sessionId);
  expect(loaded.told["session"]).toEqual({
    ...{ sessionId, modes: { currentModeId: "ask" }, text: "Remember plum.It was plum." },
  });
  const recorded = ledgers(bench);
  expect(recorded.length).toBe(2);
  for (const ledger of recorded) expect(ledger).toContain(`"session":${JSON.stringify(sessionId)}`);
  const audit = await bench.broke(["audit", "--json"]);
  expect(audit.stdout.match(/"profile": ?"strict"/g)?.length).toBe(2);
}, 120_000);

test("nobody is there to be asked: what asks is refused", async () => {
  using bench = makeBench();
  const make = say(tool("run_shell_command", { command: "touch made", description: "d" }));
  await using upstream = await startUpstream(task([make, say("I could not.")]));
  await bench.answerFrom(upstream.url);
  const refused = await run(bench, "prompt", "--text", "Make it.");
  expect(refused.told["prompt"]).toMatchObject({ stopReason: "end_turn", text: "I could not." });
  expect(refused.stderr).toContain("refused: touch made");
  expect(existsSync(join(bench.workspace, "made"))).toBe(false);
}, 120_000);

test("a folder that is too much to hand over is refused as `harness run` refuses it", async () => {
  using bench = makeBench();
  const refused = await bench.broke(["gemini-acp", "prompt", "--text", "Make it.", "--cwd", "/tmp"]);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain(
    "broke: /tmp is too much to hand to an agent\nbroke: run in a project's own folder\n",
  );
});

test("a prompt that another command cancels says so, is on record, and holds its session until then", async () => {
  using bench = makeBench();
  const gate = Promise.withResolvers<void>();
  await using upstream = await startUpstream(task([{ ...say("One two."), gate: gate.promise }]));
  await bench.answerFrom(upstream.url);
  const { told } = await run(bench, "new-session");
  const { sessionId } = told["session"] as { sessionId: string };
  const none = await run(bench, "cancel", "--session-id", sessionId);
  expect([none.code, none.told["cancel"]]).toEqual([1, { cancelled: false }]);
  const going = run(bench, "prompt", "--session-id", sessionId, "--text", "Count.");
  while (upstream.asked().length === 0) await Bun.sleep(20);
  const second = await run(bench, "prompt", "--session-id", sessionId, "--text", "Count too.");
  expect(second).toMatchObject({ code: 3, told: { ok: false, error: "a prompt is going on in this session" } });
  const cancelled = await run(bench, "cancel", "--session-id", sessionId);
  expect([cancelled.code, cancelled.told["cancel"]]).toEqual([0, { cancelled: true }]);
  const ended = await going;
  gate.resolve();
  expect([ended.code, ended.told["prompt"]]).toMatchObject([1, { stopReason: "cancelled" }]);
  const stored = readFileSync(join(bench.home, "acp", `${sessionId}.jsonl`), "utf8");
  expect(stored).toContain('"reason":"cancelled"');
  expect(readdirSync(join(bench.home, "run")).filter((name) => name.endsWith(".sock"))).toEqual([]);
}, 120_000);

/** A client that speaks ACP as far as it must; `first`: what it does before that, `prompt`: its answer. */
function standIn(bench: Bench, first: string, prompt: object): Record<string, string> {
  const folder = join(dirname(bench.workspace), "lib", "node_modules", "stand-in");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"name":"stand-in","version":"1.0.0"}');
  const script = `#!/usr/bin/env node
const fs = require("node:fs");
process.on("SIGTERM", () => process.exit(0));
${first}
const answers = { initialize: { result: { protocolVersion: 1 } }, "session/new": { result: { sessionId: "s" } } };
answers["session/prompt"] = ${JSON.stringify(prompt)};
require("node:readline").createInterface(process.stdin).on("line", (line) => {
  const { id, method } = JSON.parse(line);
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, ...answers[method] }));
});
`;
  writeFileSync(join(folder, "gemini"), script, { mode: 0o755 });
  return { PATH: `${folder}:/usr/bin:/bin` };
}
const fine = { result: { stopReason: "end_turn" } };

test("a client that does not come up twice is started anew; what it prints beside the protocol breaks nothing and is on record", async () => {
  using bench = makeBench();
  const count = `fs.appendFileSync("n", "."); if (fs.statSync("n").size < 3) process.exit(1); console.log("not json");`;
  const env = standIn(bench, count, fine);
  const { stdout } = await bench.broke(["gemini-acp", "prompt", "--text", "x", "--json"], { env });
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, prompt: { stopReason: "end_turn", restarts: 2 } });
  expect(ledgers(bench).filter((ledger) => ledger.includes('"event":"client.garbled"')).length).toBe(1);
}, 60_000);

test("one that never comes up is given up on, and the next command tries it again", async () => {
  using bench = makeBench();
  const env = standIn(bench, `fs.appendFileSync("n", "."); if (!fs.existsSync("well")) process.exit(1);`, fine);
  const words = ["gemini-acp", "prompt", "--text", "x", "--json"];
  const failed = await bench.broke(words, { env });
  const error = "the client could not be started (start_failed)";
  expect([failed.code, JSON.parse(failed.stdout)]).toEqual([3, { ok: false, error }]);
  expect(readFileSync(join(bench.workspace, "n"), "utf8")).toBe("...");
  writeFileSync(join(bench.workspace, "well"), "");
  expect((await bench.broke(words, { env })).code).toBe(0);
}, 60_000);

test.each([
  [429, "upstream_rate_limited"],
  [401, "auth_required"],
  [-32000, "auth_required"],
])(
  "an answer of %d is %s",
  async (code, reason) => {
    using bench = makeBench();
    const env = standIn(bench, "", { error: { code, message: "secret words" } });
    const { stdout } = await bench.broke(["gemini-acp", "prompt", "--text", "x", "--json"], { env });
    expect(JSON.parse(stdout)).toEqual({ ok: false, error: `the client answered with an error (${reason})` });
  },
  60_000,
);

test.each([
  [
    "a session that is not there",
    ["prompt", "--session-id", "sess_1_00000000", "--text", "x"],
    3,
    "there is no such session",
  ],
  ["a session's id that is a path", ["cancel", "--session-id", "../../x"], 2, "not a session's id"],
  ["a mode nobody knows", ["new-session", "--mode", "yolo"], 2, "there is no such mode"],
  ["a folder that is not there", ["new-session", "--cwd", "/nowhere"], 2, "that folder is not there"],
] as const)("%s", async (_, words, code, error) => {
  using bench = makeBench();
  expect(await run(bench, ...words)).toMatchObject({ code, told: { ok: false, error } });
});
