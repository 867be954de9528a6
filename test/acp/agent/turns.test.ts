// Turns of our own agent that do not go as planned: cancelled, compacted, refused by the provider, going round in circles; and which lanes there are.

import { expect, test } from "bun:test";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startAcp } from "#test/support/acp.ts";
import { lastResults, openHeadless } from "#test/support/headless.ts";
import { refuse, type Reply, say, type Seen, task, tool } from "#test/support/upstream/script.ts";

const run = (command: string) => tool("run_command", { command });

/** Processes on this machine whose words hold these. */
const running = (words: string) =>
  readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(words);
    } catch {
      return false;
    }
  });

test("cancelled in a command, nothing of it is left, and the next turn goes on in the same client", async () => {
  const mark = `27${Date.now() % 1_000_000}`;
  await using work = await openHeadless({
    script: (seen) =>
      seen.history.at(-1)?.text.includes("there") === true
        ? say("Still here.")
        : say(run(`setsid sleep ${mark} & sleep ${mark}`)),
  });
  const going = work.ask("Wait.");
  while (running(mark).length < 2) await Bun.sleep(20);
  const began = performance.now();
  await work.server.connection.agent.notify("session/cancel", { sessionId: work.sessionId });
  expect(await going).toMatchObject({ stopReason: "cancelled" });
  expect([performance.now() - began < 2000, running(mark)]).toEqual([true, []]);
  expect(await work.ask("Are you there?")).toMatchObject({ stopReason: "end_turn" });
  // The call that was cancelled has its result, as providers want it.
  const last = work.upstream.asked().at(-1)!;
  expect(last.history.flatMap(({ results }) => results).length).toBe(1);
  expect([work.statuses(), work.server.faults, readdirSync(join(work.bench.home, "runs")).length]).toEqual([
    ["failed"],
    [],
    1,
  ]);
}, 120_000);

test("cancelled while the model speaks, and while a question stands: answered so, nothing run, and the history is sound", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const replies: Record<string, Reply> = {
    Count: { ...say("One two three."), pieces: 6, pause: { after: 4, until: gate.promise } },
    Make: say(run("touch made"), run("touch other")),
    there: say("Still here."),
  };
  const wordsOf = ({ history }: Pick<Seen, "history">) => history.findLast(({ role }) => role === "user")!.text;
  await using work = await openHeadless({
    script: (seen) => replies[Object.keys(replies).findLast((word) => wordsOf(seen).includes(word))!]!,
    permit: () => {
      asked.resolve();
      return new Promise<string>(() => {});
    },
  });
  const cancel = () => work.server.connection.agent.notify("session/cancel", { sessionId: work.sessionId });
  const counting = work.ask("Count.");
  while (work.said() === "") await Bun.sleep(20);
  await cancel();
  expect(await counting).toMatchObject({ stopReason: "cancelled" });
  gate.resolve();
  const making = work.ask("Make it.");
  await asked.promise;
  await cancel();
  expect(await making).toMatchObject({ stopReason: "cancelled" });
  expect(await work.ask("Are you there?")).toMatchObject({ stopReason: "end_turn" });
  const { history } = work.upstream.asked().at(-1)!;
  const calls = history.flatMap((turn) => turn.calls.map(({ id }) => id));
  const results = history.flatMap((turn) => turn.results.map(({ id }) => id));
  expect([calls.length, results, existsSync(join(work.bench.workspace, "made"))]).toEqual([2, calls, false]);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test("a context that fills in the middle of a task is summed up by the model, the task stays, and the task is done", async () => {
  const big = Array.from({ length: 400 }, (_, at) => `${at} ${"word ".repeat(8)}`).join("\n");
  const files = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`big${at}.txt`, big]));
  let reads = 0;
  let summaries = 0;
  await using work = await openHeadless({
    files,
    args: ["--context", "8000"],
    script: (seen) => {
      if (seen.tools.length === 0) return say(`Summary ${++summaries}: files are long, the answer is ${reads}.`);
      if (reads < 6) return say(tool("read_file", { path: `big${reads++}.txt` }));
      return existsSync(join(work.bench.workspace, "done.txt"))
        ? say("All read.")
        : say(tool("write_file", { path: "done.txt", content: "yes" }));
    },
  });
  const task = "Read every file, then write done.txt. Never forget the word PLUM.";
  expect(await work.ask(task)).toMatchObject({ stopReason: "end_turn" });
  expect(readFileSync(join(work.bench.workspace, "done.txt"), "utf8")).toBe("yes");
  expect(summaries).toBeGreaterThan(0);
  const asked = work.upstream.asked();
  const steps = asked.filter(({ tools }) => tools.length > 0);
  expect(steps.every(({ history }) => history.some(({ text }) => text.includes("PLUM")))).toBe(true);
  expect(steps.at(-1)!.history.some(({ text }) => text.includes("summed up:]\nSummary"))).toBe(true);
  // Four characters a token, and the words of the tools.
  expect(Math.max(...asked.map(({ raw }) => raw.length))).toBeLessThan(8000 * 4 * 1.6);
  for (const { history } of steps) {
    const calls = history.flatMap((turn) => turn.calls.map(({ id }) => id));
    const results = history.flatMap((turn) => turn.results.map(({ id }) => id));
    expect(results).toEqual(calls);
  }
  const thoughts = work.server.updates.flatMap(({ update }) =>
    update.sessionUpdate === "agent_thought_chunk" && update.content.type === "text" ? [update.content.text] : [],
  );
  expect(thoughts.join("")).toMatch(/summed up: \d+ tokens became \d+/);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test("killed in the middle of a turn, the turn is answered at once, and the next prompt has a new client that knows what was said", async () => {
  const size = 50_000 + (Date.now() % 40_000);
  const gate = Promise.withResolvers<void>();
  await using work = await openHeadless({
    args: ["--context", String(size)],
    script: (seen) =>
      seen.history.at(-1)!.text.includes("Which")
        ? say("Plum.")
        : { ...say("The word is plum, and more."), pieces: 8, pause: { after: 6, until: gate.promise } },
  });
  const going = work.ask("Tell me a word.").catch((error: Error) => error.message);
  while (!work.said().includes("plum")) await Bun.sleep(20);
  const [pid] = running(`--context\0${size}`).filter((each) => {
    const words = readFileSync(`/proc/${each}/cmdline`, "utf8");
    return words.includes("/agent/main.ts");
  });
  const began = performance.now();
  process.kill(Number(pid), "SIGKILL");
  expect(await going).toContain("the client ended in the middle of the turn");
  expect(performance.now() - began).toBeLessThan(3000);
  gate.resolve();
  expect(await work.ask("Which word?")).toMatchObject({ stopReason: "end_turn" });
  expect(JSON.stringify(work.upstream.asked().at(-1)!.body)).toContain("The word is plum");
  expect([running(`--context\0${size}`).includes(pid!), work.server.faults]).toEqual([false, []]);
}, 120_000);

test("what the provider refuses, breaks off or fails ends the turn with its cause, and the next goes on", async () => {
  const heard = { Break: Promise.withResolvers<void>(), Fail: Promise.withResolvers<void>() };
  const replies: Record<string, Reply> = {
    Refuse: refuse(400, "that is too much"),
    Break: { ...say("One two."), pieces: 4, pause: { after: 4, until: heard.Break.promise }, cut: { frames: 4 } },
    Fail: {
      ...{ ...say("Ten two."), pieces: 4, pause: { after: 4, until: heard.Fail.promise } },
      error: { after: 4, message: "it broke" },
    },
    Once: say("Here again."),
  };
  const last = ({ history }: Pick<Seen, "history">) => history.findLast(({ role }) => role === "user")!.text;
  await using work = await openHeadless({
    script: (seen) => replies[Object.keys(replies).findLast((word) => last(seen).includes(word))!]!,
  });
  const causes: string[] = [];
  // What was shown cannot be asked for anew, so neither the gateway nor the agent does.
  for (const [word, shown, go] of [
    ["Refuse.", "", () => {}],
    ["Break.", "One", heard.Break.resolve],
    ["Fail.", "Ten", heard.Fail.resolve],
  ] as const) {
    const going = work.ask(word).catch((error: Error) => causes.push(error.message));
    while (!work.said().includes(shown)) await Bun.sleep(20);
    go();
    await going;
  }
  expect(causes).toEqual([
    "the model could not go on: status 400: that is too much",
    "the model could not go on: the provider's answer ended early",
    expect.stringMatching(/could not go on: .*it broke/) as unknown as string,
  ]);
  expect(await work.ask("Once more.")).toMatchObject({ stopReason: "end_turn" });
  expect(work.said().endsWith("Here again.")).toBe(true);
  // No two of the same speaker in a row, which some providers refuse.
  const roles = work.upstream
    .asked()
    .at(-1)!
    .history.map(({ role }) => role);
  expect(roles.filter((role, index) => role === roles[index - 1])).toEqual([]);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test("a model that makes the same call again and again is told, and stopped", async () => {
  await using work = await openHeadless({
    files: { "a.txt": "alpha\n" },
    script: () => say(tool("read_file", { path: "a.txt" })),
  });
  expect(await work.ask("Read.")).toMatchObject({ stopReason: "max_turn_requests" });
  const asked = work.upstream.asked();
  expect([asked.length, lastResults(asked.at(-1)!)]).toEqual([6, [expect.stringContaining("this very call before")]]);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test("an answer that is too long ends the turn so, and a call in it is not made", async () => {
  await using work = await openHeadless({ script: () => ({ ...say("Now.", run("touch made")), stop: "length" }) });
  expect(await work.ask("Go.")).toMatchObject({ stopReason: "max_tokens" });
  expect([existsSync(join(work.bench.workspace, "made")), work.server.faults]).toEqual([false, []]);
}, 120_000);

test("plan lets nothing be written, by whatever tool; accept_edits asks only about commands; auto about nothing", async () => {
  const changes = () => [say(tool("write_file", { path: "made", content: "x" }), run("touch other")), say("Tried.")];
  for (const [mode, asked, made] of [
    ["plan", [], [false, false]],
    ["accept_edits", ["touch other"], [true, true]],
    ["auto", [], [true, true]],
  ] as const) {
    await using work = await openHeadless({ script: task(changes()), mode });
    expect(await work.ask("Make it.")).toMatchObject({ stopReason: "end_turn" });
    const { workspace } = work.bench;
    const exist = ["made", "other"].map((name) => existsSync(join(workspace, name)));
    expect([mode, work.asked, exist, work.server.faults]).toEqual([mode, [...asked], [...made], []]);
  }
}, 120_000);

test("a command is given neither the gateway's token nor its address, and the agent's own files cannot be written", async () => {
  await using work = await openHeadless({
    mode: "auto",
    script: task([
      say(run("env; echo >> /opt/broke/agent/main.ts; touch /opt/broke/agent/x; ls /opt/broke")),
      say("Seen."),
    ]),
  });
  await work.ask("Look.");
  const [text] = lastResults(work.upstream.asked().at(-1)!);
  expect(text).not.toContain("BROKE_AGENT_TOKEN");
  expect(text).not.toContain("BROKE_AGENT_URL");
  expect(text!.match(/Read-only file system/g)).toHaveLength(2);
}, 120_000);

test("only lanes that something answers are offered, and a lane that lost its backend says so", async () => {
  await using work = await openHeadless({ script: () => say("Here."), lane: "sonnet" });
  const { agent } = work.server.connection;
  const { configOptions } = await agent.request("session/set_config_option", {
    ...{ sessionId: work.sessionId, configId: "lane", value: "local" },
  });
  const lane = configOptions.find(({ id }) => id === "lane");
  const ids = lane?.type === "select" ? lane.options.map((each) => ("value" in each ? each.value : "")) : [];
  expect(ids.slice(0, 5)).toEqual(["claude", "codex", "gemini", "local", "sonnet"]);
  expect(ids).not.toContain("groq");
  expect(work.said()).toBe("");
  expect(await work.ask("Are you there?")).toMatchObject({ stopReason: "end_turn" });
  const unknown = agent.request("session/set_config_option", {
    ...{ sessionId: work.sessionId, configId: "lane", value: "groq" },
  });
  expect(await unknown.catch((error: { code: number }) => error.code)).toBe(-32602);
  for (const words of [
    ["backend", "add", "far", "--base-url", "https://models.example/v1", "--dialect", "openai-chat", "--model", "m"],
    ["swap", "all=far"],
  ])
    expect((await work.bench.broke(words)).code).toBe(0);
  await using other = startAcp(work.bench);
  await other.connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
  await agent.request("session/set_mode", { sessionId: work.sessionId, modeId: "plan" });
  const lost = await work.ask("And now?").catch((error: Error) => error.message);
  expect(lost).toContain("is not answered by local now");
}, 120_000);
