// What a session with a real client has besides its turns: pictures and embedded texts that reach the model, slash commands over the run it really
// had, usage that the gateway counted, and another client where one was killed.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AcpServer, saidIn, startAcp } from "#test/support/acp.ts";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { openHeadless } from "#test/support/headless.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function begin({ connection }: AcpServer, bench: Bench, lane: string): Promise<string> {
  await connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const { sessionId } = await connection.agent.request("session/new", { cwd: bench.workspace, mcpServers: [] });
  await connection.agent.request("session/set_config_option", { sessionId, configId: "lane", value: lane });
  return sessionId;
}
const ask = ({ connection }: AcpServer, sessionId: string, text: string) =>
  connection.agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] });

test.each(["claude", "codex", "gemini"])(
  "%s: a picture and an embedded text are in what the model is asked; what it took is what the gateway saw",
  async (lane) => {
    using bench = makeBench();
    await using upstream = await startUpstream(task([say("Seen.")]));
    await bench.answerFrom(upstream.url);
    await using server = startAcp(bench);
    const sessionId = await begin(server, bench, lane);
    const { stopReason, _meta } = await server.connection.agent.request("session/prompt", {
      sessionId,
      prompt: [
        { type: "text", text: "Look." },
        { type: "image", data: PNG, mimeType: "image/png" },
        { type: "resource", resource: { uri: "file:///notes.txt", text: "the plums are ripe" } },
        { type: "resource_link", uri: "file:///other.txt", name: "other.txt" },
      ],
    });
    expect([stopReason, saidIn(server.updates)]).toEqual(["end_turn", "Seen."]);
    const asked = JSON.stringify(upstream.asked().map(({ body }) => body));
    expect([asked.includes("image/png"), asked.includes("the plums are ripe"), asked.includes("other.txt")]).toEqual([
      ...[true, true, true],
    ]);
    expect(_meta?.["brokellm/usage"]).toMatchObject({ requests: upstream.asked().length });
    expect(_meta?.["brokellm/run"]).toBe(readdirSync(join(bench.home, "runs"))[0]!);
    const commands = server.updates.flatMap(({ update }) =>
      update.sessionUpdate === "available_commands_update" ? update.availableCommands.map(({ name }) => name) : [],
    );
    expect(commands).toContainValues(["route", "swap", "verdict", "diff", "land", "permissions"]);
    expect(server.faults).toEqual([]);
  },
  120_000,
);

test("slash commands answer of the run that was, and change the route of the next request", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(
    task([say(tool("Bash", { command: "echo plum > made", description: "d" })), say("Made.")]),
  );
  await bench.answerFrom(upstream.url);
  await using server = startAcp(bench, () => "allow_always");
  const sessionId = await begin(server, bench, "claude");
  const answer = async (words: string) => {
    const from = server.updates.length;
    await ask(server, sessionId, words);
    return saidIn(server.updates.slice(from));
  };
  expect(await answer("/diff")).toBe("this session had no run yet\nask it something first");
  await ask(server, sessionId, "Make it.");
  const asked = upstream.asked().length;
  expect(await answer("/permissions")).toContain("allowed by editor: echo plum > made");
  expect(await answer("/diff")).toMatch(/^```diff\n[^]*\+plum\n[^]*```$/);
  const [run] = readdirSync(join(bench.home, "runs"));
  expect(await answer("/verdict")).toMatch(new RegExp(`^${run}: [A-Z_]+\n[^]*ledger (valid|intact|ok|verified)`));
  expect(await answer("/land")).toContain("the run worked in the workspace itself");
  expect(await answer("/route")).toMatch(/^sonnet, generation \d+\n\n1\. /);
  expect(await answer("/swap sonnet=nobody")).toContain("unknown backend");
  expect(upstream.asked()).toHaveLength(asked);
  const ledger = readFileSync(join(bench.home, "runs", run!, "ledger.jsonl"), "utf8");
  expect(ledger).toContain('"tool.answered"');
  const { artifacts } = await server.connection.agent.request<{ artifacts: { kind: string }[] }>("_broke/artifacts", {
    sessionId,
  });
  expect(artifacts.map(({ kind }) => kind)).toContain("diff");
  expect(server.faults).toEqual([]);
}, 120_000);

/** Ids of the processes that a process started, and of theirs. */
function* below(pid: number): Generator<number> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  for (const child of children.filter((each) => each !== "").map(Number)) {
    yield child;
    yield* below(child);
  }
}

test.each(["claude", "codex", "gemini"])(
  "%s killed in the middle of a turn: it is said so, and the next prompt has another that knows what was said",
  async (lane) => {
    using bench = makeBench();
    const gate = Promise.withResolvers<void>();
    await using upstream = await startUpstream((seen, index) =>
      task([
        JSON.stringify(seen.history).includes("you there")
          ? say("Still here.")
          : { ...say("One two three."), pieces: 6, pause: { after: 4, until: gate.promise } },
      ])(seen, index),
    );
    await bench.answerFrom(upstream.url);
    await using server = startAcp(bench);
    const sessionId = await begin(server, bench, lane);
    const going = ask(server, sessionId, "Count the plums.").then(
      () => "answered",
      (error: { data?: { reason?: string } }) => error.data?.reason,
    );
    while (!server.updates.some(({ update }) => update.sessionUpdate === "agent_message_chunk")) await Bun.sleep(20);
    const sandboxed = [...below(server.process.pid)].at(-1)!;
    process.kill(sandboxed, "SIGKILL");
    expect(await going).toBe("runtime_exited");
    gate.resolve();
    const from = server.updates.length;
    expect((await ask(server, sessionId, "Are you there?")).stopReason).toBe("end_turn");
    expect(saidIn(server.updates.slice(from))).toBe("Still here.");
    expect(JSON.stringify(upstream.asked().at(-1)?.body)).toContain("Count the plums.");
    expect(server.faults).toEqual([]);
  },
  120_000,
);

test("the operator says how long a client is kept that does nothing, and how much its models take", async () => {
  await using work = await openHeadless({ args: ["--idle", "1s", "--context", "5000"], script: () => say("Done.") });
  await work.ask("Go.");
  const usage = work.server.updates.find(({ update }) => update.sessionUpdate === "usage_update");
  expect(usage?.update).toMatchObject({ size: 5000 });
  const state = async () => {
    const { sessionId } = work;
    return ((await work.server.connection.agent.request("_broke/state", { sessionId })) as { state: string }).state;
  };
  expect(await state()).toBe("idle");
  while ((await state()) !== "none") await Bun.sleep(50);
  const wrong = await work.bench.broke(["acp-server", "--quiet", "soon"]);
  expect([wrong.code, wrong.stderr.split("\n")[0]]).toEqual([2, "broke: --quiet takes 1s to 7d"]);
}, 60_000);
