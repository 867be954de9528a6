// Sessions whose client is the real Claude Code, Codex or Gemini CLI in strict, with a scripted model behind it, driven by the official SDK's client.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AcpServer, faultOf, saidIn, startAcp } from "#test/support/acp.ts";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, type Reply, say, type Script, task, tool } from "#test/support/upstream/script.ts";

async function openSession({ connection }: AcpServer, cwd: string, lane: string) {
  const greeting = await connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const session = await connection.agent.request("session/new", { cwd, mcpServers: [] });
  const { sessionId } = session;
  await connection.agent.request("session/set_config_option", { sessionId, configId: "lane", value: lane });
  return { greeting, session };
}

/** How each client's model starts a command. */
const runs: Record<string, (command: string) => Part> = {
  claude: (command) => tool("Bash", { command, description: "d" }),
  codex: (command) => tool("exec_command", { cmd: command }),
  gemini: (command) => tool("run_shell_command", { command, description: "d" }),
};
const lanes = Object.entries(runs);

/** What the model does for each of the prompts, known by a word of theirs. */
const answers =
  (turns: Record<string, Reply[]>): Script =>
  (seen, index) => {
    const last = seen.history.findLast(
      ({ role, text, results }) => role === "user" && text !== "" && results.length === 0,
    );
    const key = Object.keys(turns).find((word) => last?.text.includes(word));
    return task(turns[key ?? ""] ?? [])(seen, index);
  };
const ask = ({ connection }: AcpServer, sessionId: string, text: string) =>
  connection.agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] });
const kindsOf = ({ updates }: AcpServer) => updates.map(({ update }) => update.sessionUpdate);
const stored = (bench: Bench) => readdirSync(join(bench.home, "acp")).length;

test.each(lanes)(
  "%s: two turns in one client: what it says, a tool that is allowed, then one that is not; then everything is gone",
  async (lane, start) => {
    using bench = makeBench();
    await using upstream = await startUpstream(
      answers({
        "Make it": [say("Making it.", start("touch made")), say("Made.")],
        another: [say(start("touch other")), say("I could not.")],
      }),
    );
    await bench.answerFrom(upstream.url);
    const titles: string[] = [];
    await using server = startAcp(bench, ({ toolCall }) => {
      titles.push(toolCall.title ?? "");
      return titles.length === 1 ? "allow" : "reject";
    });
    const { greeting, session } = await openSession(server, bench.workspace, lane);
    expect(greeting).toMatchObject({ protocolVersion: 1, authMethods: [], agentInfo: { name: "broke" } });
    expect(session.modes?.currentModeId).toBe("ask");
    const first = await ask(server, session.sessionId, "Make it.");
    expect([first.stopReason, saidIn(server.updates), titles]).toEqual(["end_turn", "Making it.Made.", ["touch made"]]);
    expect(existsSync(join(bench.workspace, "made"))).toBe(true);
    const calls = server.updates.flatMap(({ update }) =>
      update.sessionUpdate === "tool_call" || update.sessionUpdate === "tool_call_update" ? [update.status] : [],
    );
    expect([calls[0], calls.at(-1)]).toEqual(["pending", "completed"]);
    const second = await ask(server, session.sessionId, "And another.");
    expect([second.stopReason, saidIn(server.updates).endsWith("I could not.")]).toEqual(["end_turn", true]);
    expect([titles.length, existsSync(join(bench.workspace, "other"))]).toEqual([2, false]);
    expect(server.faults).toEqual([]);
    await server.connection.agent.request("session/close", { sessionId: session.sessionId });
    const listed = JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as { client: string }[];
    expect([listed.map(({ client }) => client), stored(bench)]).toEqual([[lane], 1]);
  },
  120_000,
);

test.each(lanes)(
  "%s: a turn that is cancelled while the model speaks is answered so, and the next one goes on",
  async (lane) => {
    using bench = makeBench();
    const gate = Promise.withResolvers<void>();
    await using upstream = await startUpstream(
      answers({
        // Codex shows its model what was broken off before it, in the same message.
        "you there": [say("Still here.")],
        Count: [{ ...say("One two three."), pieces: 6, pause: { after: 4, until: gate.promise } }],
      }),
    );
    await bench.answerFrom(upstream.url);
    await using server = startAcp(bench);
    const { session } = await openSession(server, bench.workspace, lane);
    const going = ask(server, session.sessionId, "Count.");
    while (!kindsOf(server).includes("agent_message_chunk")) await Bun.sleep(20);
    await server.connection.agent.notify("session/cancel", { sessionId: session.sessionId });
    expect(await going).toMatchObject({ stopReason: "cancelled" });
    gate.resolve();
    const before = server.updates.length;
    const next = await ask(server, session.sessionId, "Are you there?");
    expect([next.stopReason, saidIn(server.updates.slice(before))]).toEqual(["end_turn", "Still here."]);
    expect(server.faults).toEqual([]);
  },
  120_000,
);

test.each(lanes)(
  "%s: cancelled while a question stands, the turn ends and nothing was run",
  async (lane, start) => {
    using bench = makeBench();
    await using upstream = await startUpstream(
      answers({ "Make it": [say(start("touch made")), say("No.")], "you there": [say("Still here.")] }),
    );
    await bench.answerFrom(upstream.url);
    const asked = Promise.withResolvers<void>();
    await using server = startAcp(bench, () => {
      asked.resolve();
      return new Promise<string>(() => {});
    });
    const { session } = await openSession(server, bench.workspace, lane);
    const going = ask(server, session.sessionId, "Make it.");
    await asked.promise;
    await server.connection.agent.notify("session/cancel", { sessionId: session.sessionId });
    expect(await going).toMatchObject({ stopReason: "cancelled" });
    const next = await ask(server, session.sessionId, "Are you there?");
    expect([next.stopReason, existsSync(join(bench.workspace, "made")), server.faults]).toEqual([
      "end_turn",
      false,
      [],
    ]);
  },
  120_000,
);

test("a session that was left is shown again by another server, and its client knows what was said", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(
    answers({ "Which word": [say("Plum.")], "Tell me": [say("The word is plum.")] }),
  );
  await bench.answerFrom(upstream.url);
  let id = "";
  {
    await using server = startAcp(bench);
    const { session } = await openSession(server, bench.workspace, "claude");
    id = session.sessionId;
    await ask(server, id, "Tell me a word.");
  }
  await using server = startAcp(bench);
  await server.connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const { sessions } = await server.connection.agent.request("session/list", {});
  expect(sessions).toMatchObject([{ sessionId: id, cwd: bench.workspace, title: "Tell me a word." }]);
  await server.connection.agent.request("session/load", { sessionId: id, cwd: bench.workspace, mcpServers: [] });
  expect(kindsOf(server)).toEqual(["user_message_chunk", "agent_message_chunk"]);
  await ask(server, id, "Which word?");
  const last = upstream.asked().at(-1)?.body;
  expect(JSON.stringify(last)).toContain("The word is plum.");
  expect(server.faults).toEqual([]);
}, 120_000);

test.each(lanes)(
  "%s: plan lets nothing be written, whatever the model tries",
  async (lane, start) => {
    using bench = makeBench();
    await using upstream = await startUpstream(task([say(start("touch made")), say("No.")]));
    await bench.answerFrom(upstream.url);
    await using server = startAcp(bench, () => "allow");
    const { session } = await openSession(server, bench.workspace, lane);
    await server.connection.agent.request("session/set_mode", { sessionId: session.sessionId, modeId: "plan" });
    const { stopReason } = await ask(server, session.sessionId, "Make it.");
    expect([stopReason, existsSync(join(bench.workspace, "made"))]).toEqual(["end_turn", false]);
    const [run] = readdirSync(join(bench.home, "runs"));
    expect(readFileSync(join(bench.home, "runs", run!, "contract.json"), "utf8")).toContain('"denyAll":true');
    expect(server.faults).toEqual([]);
  },
  120_000,
);

test.each(lanes)(
  "%s: an editor that goes away leaves nothing behind",
  async (lane) => {
    using bench = makeBench();
    const gate = Promise.withResolvers<void>();
    await using upstream = await startUpstream(task([{ ...say("One two."), gate: gate.promise }]));
    await bench.answerFrom(upstream.url);
    await using server = startAcp(bench);
    const { session } = await openSession(server, bench.workspace, lane);
    void ask(server, session.sessionId, "Count.").catch(() => {});
    while (upstream.asked().length === 0) await Bun.sleep(20);
    const began = performance.now();
    server.connection.close();
    server.process.stdin.end();
    expect(await server.process.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    gate.resolve();
  },
  120_000,
);

test("the schema that frames are held against has teeth", () => {
  const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "a" } };
  expect(faultOf("SessionNotification", { sessionId: "s", update })).toBeUndefined();
  expect(
    faultOf("SessionNotification", { sessionId: "s", update: { ...update, content: { type: "text" } } }),
  ).toBeString();
  expect(faultOf("PromptResponse", { stopReason: "done" })).toBeString();
});
