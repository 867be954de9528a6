// The real clients in every order of asking, cancelling, killing and closing, by chance: each request has one answer in time, no session is wedged
// afterwards, and no process is left when the editor is gone. (many.test.ts does far more orders with clients of the test's own.)

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type AcpServer, startAcp } from "#test/support/acp.ts";
import { makeBench } from "#test/support/broke.ts";
import { below, isAlive, type Known } from "#test/support/processes.ts";
import { type Random, seeded } from "#test/support/random.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Reply, say, type Seen, tool } from "#test/support/upstream/script.ts";

const ROUNDS = Number(process.env.BROKE_REAL_ORDERS ?? 3);
const ACTS = 6;
const EXIT_MS = 5_000;

const SLEEP = "sleep 1000";
const runs = {
  claude: tool("Bash", { command: SLEEP, description: "d" }),
  codex: tool("exec_command", { cmd: SLEEP, yield_time_ms: 30_000 }),
  gemini: tool("run_shell_command", { command: SLEEP, description: "d" }),
  local: tool("run_command", { command: SLEEP }),
};
type Lane = keyof typeof runs;
const lanes = Object.keys(runs) as Lane[];
const toolOf = ({ tools }: Seen) =>
  Object.values(runs).find((part) => part.kind === "tool" && tools.includes(part.name))!;

/** What the model does, by a word of the last prompt: speaks for long, runs a command for long, or says that it is done. */
function answer(seen: Seen): Reply {
  const last = seen.history.findLast(
    ({ role, text, results }) => role === "user" && text !== "" && results.length === 0,
  );
  const word = /(talk|run|end)\W*$/.exec(last?.text.trim() ?? "")?.[1];
  if (word === "talk")
    return { ...say("word ".repeat(40)), pieces: 40, pause: { after: 12, until: new Promise(() => {}) } };
  if (word === "run" && !seen.history.at(-1)!.results.length) return say(toolOf(seen));
  return say("Done.");
}

type Going = {
  server: AcpServer;
  lane: Lane;
  sessionId: string;
  cwd: string;
  closed: boolean;
  asked: Promise<unknown>[];
};
const codeOf = (error: unknown) => (error as { code?: number }).code;

/** One session's acts; every answer it was promised. */
async function act(session: Going, random: Random): Promise<void> {
  const { sessionId, server } = session;
  const { agent } = server.connection;
  const send = (method: string, params: object) =>
    session.asked.push(
      agent
        .request(method as "session/prompt", { sessionId, ...params } as never)
        .catch((error: unknown) => codeOf(error)),
    );
  for (let left = ACTS; left > 0 && !session.closed; left--) {
    const what = random.below(10);
    if (what < 4) send("session/prompt", { prompt: [{ type: "text", text: random.pick(["talk", "run", "end"]) }] });
    else if (what < 7) await agent.notify("session/cancel", { sessionId });
    else if (what < 9) killOne(server, random);
    else if (random.chance(0.3)) {
      send("session/close", {});
      session.closed = true;
    } else send("session/set_mode", { modeId: random.pick(["ask", "plan", "auto"]) });
    await Bun.sleep(random.below(1200));
  }
}

/** A process below the server, the clients with all that holds them, as an operator or the kernel would. */
function killOne({ process: { pid } }: AcpServer, random: Random): void {
  const all = below(pid);
  const victim = all[random.below(all.length + 1)];
  if (victim === undefined || victim.pid <= 1 || !isAlive(victim)) return;
  try {
    process.kill(victim.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

const inTime = async <Value>(promise: Promise<Value>, what: string): Promise<Value> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not in time: ${what}`)), 60_000);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
};

test.each(Array.from({ length: ROUNDS }, (_, at) => at + 1))(
  "seed %i: real clients asked, cancelled, killed and closed",
  async (seed) => {
    const random = seeded(seed);
    using bench = makeBench();
    await using upstream = await startUpstream(answer);
    await bench.answerFrom(upstream.url);
    // Some questions are never answered.
    const permit = () => (random.chance(0.7) ? "allow" : new Promise<string>(() => {}));
    await using server = startAcp(bench, permit);
    const { agent } = server.connection;
    await agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
    const sessions: Going[] = [];
    for (const lane of lanes) {
      const cwd = join(bench.workspace, lane);
      mkdirSync(cwd);
      const { sessionId } = await agent.request("session/new", { cwd, mcpServers: [] });
      await agent.request("session/set_config_option", { sessionId, configId: "lane", value: lane });
      sessions.push({ server, lane, sessionId, cwd, closed: false, asked: [] });
    }
    await Promise.all(sessions.map((session) => act(session, random)));
    const seen: Known[] = below(server.process.pid);
    for (const session of sessions) {
      const { sessionId, lane, asked } = session;
      await agent.notify("session/cancel", { sessionId });
      const answers = await inTime(Promise.all(asked), `seed ${seed}, ${lane}`);
      for (const each of answers)
        if (typeof each === "number") expect([seed, lane, [-32603, -32002].includes(each)]).toEqual([seed, lane, true]);
      await agent.request("_broke/clear" as "session/close", { lane } as never).catch(() => {});
      if (session.closed) continue;
      await agent.request("session/set_mode", { sessionId, modeId: "ask" });
      const again = agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text: "end" }] });
      const { stopReason } = await inTime(again, `seed ${seed}, ${lane}, once more`);
      expect([seed, lane, stopReason]).toEqual([seed, lane, "end_turn"]);
    }
    seen.push(...below(server.process.pid));
    expect(server.faults).toEqual([]);
    const began = performance.now();
    await server.process.stdin.end();
    await server.process.exited;
    expect(performance.now() - began).toBeLessThan(EXIT_MS);
    for (let left = 50; left > 0 && seen.some(isAlive); left--) await Bun.sleep(100);
    expect([seed, seen.filter(isAlive).map(({ words }) => words)]).toEqual([seed, []]);
  },
  240_000,
);
