// Many sessions in one server, and every order of asking, cancelling, dying and closing: one answer to each request, nobody waits for another, no
// client is left. The clients do what the test says; the real ones are in extras.test.ts.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Turn } from "#acp/runtime.ts";
import { chunk, type Frame, openPair, type Pair, stopOf, text } from "#test/support/acp-pair.ts";
import { seeded } from "#test/support/random.ts";

const ROUNDS = Number(process.env.BROKE_ORDERS ?? 40);
const SESSIONS = 100;
const MOST_BYTES_A_SESSION = 1024 * 1024;
const MOST_DELAY_MS = 50;

async function openIn(pair: Pair, name: string): Promise<string> {
  const cwd = join(pair.cwd, name);
  mkdirSync(cwd, { recursive: true });
  const { result } = await pair.ask("session/new", { cwd, mcpServers: [] });
  return (result as unknown as { sessionId: string }).sessionId;
}

test("a hundred sessions: little memory each, and a busy one keeps no other waiting", async () => {
  using pair = openPair(async (blocks, turn) => {
    if ((blocks[0] as { text: string }).text !== "flood") return "end_turn";
    for (let piece = 0; piece < 200; piece++) await turn.update(chunk("x".repeat(32 * 1024)));
    return "end_turn";
  });
  await pair.ask("initialize", { protocolVersion: 1 });
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  const ids: string[] = [];
  for (let made = 0; made < SESSIONS; made++) ids.push(await openIn(pair, String(made)));
  Bun.gc(true);
  expect((process.memoryUsage().rss - before) / SESSIONS).toBeLessThan(MOST_BYTES_A_SESSION);
  const flood = pair.ask("session/prompt", { sessionId: ids[0], prompt: text("flood") });
  const delays: number[] = [];
  for (const sessionId of ids.slice(1, 21)) {
    const began = performance.now();
    await pair.ask("session/prompt", { sessionId, prompt: text("go") });
    delays.push(performance.now() - began);
  }
  expect(Math.max(...delays)).toBeLessThan(MOST_DELAY_MS);
  expect(stopOf(await flood)).toBe("end_turn");
}, 60_000);

test(`${ROUNDS} orders of asking, cancelling, dying, choosing and closing`, async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seeded(seed);
    const client = async (_: unknown, turn: Turn) => {
      const over = new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      for (let step = random.below(4); step > 0 && !turn.signal.aborted; step--) {
        await turn.update(chunk("a"));
        if (random.chance(0.3))
          await turn.update({ sessionUpdate: "tool_call", toolCallId: `t${step}`, title: "t", status: "pending" });
        await Promise.race([Bun.sleep(random.below(3)), over]);
      }
      if (random.chance(0.3)) await over;
      return "end_turn" as const;
    };
    using pair = openPair(client);
    await pair.ask("initialize", { protocolVersion: 1 });
    const ids: string[] = [];
    const folders = new Map<string, string>();
    for (const name of ["a", "b"]) {
      const id = await openIn(pair, name);
      ids.push(id);
      folders.set(id, join(pair.cwd, name));
    }
    const asked: Promise<Frame>[] = [];
    for (let act = 0; act < 25; act++) {
      const sessionId = random.pick(ids);
      const what = random.below(10);
      if (what < 4) asked.push(pair.ask("session/prompt", { sessionId, prompt: text("go") }));
      else if (what < 6) pair.tell("session/cancel", { sessionId });
      else if (what === 6) pair.runtimes[random.below(pair.runtimes.length + 1)]?.die();
      else if (what === 7)
        asked.push(pair.ask("session/set_mode", { sessionId, modeId: random.pick(["ask", "plan", "auto"]) }));
      else if (what === 8) asked.push(pair.ask("session/close", { sessionId }));
      else asked.push(pair.ask("session/resume", { sessionId, cwd: folders.get(sessionId), mcpServers: [] }));
      if (random.chance(0.5)) await Bun.sleep(random.below(3));
    }
    for (const sessionId of ids) pair.tell("session/cancel", { sessionId });
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(asked.length);
    for (const { error } of answers) expect([undefined, -32603, -32002]).toContain(error?.code);
    const open = new Map<unknown, number>();
    for (const { id, method } of pair.frames) if (method === undefined) open.set(id, (open.get(id) ?? 0) + 1);
    expect([seed, [...open.values()].filter((count) => count !== 1)]).toEqual([seed, []]);
    await pair.server.close();
    expect([seed, pair.runtimes.filter(({ closed, dead }) => !closed && !dead).length]).toEqual([seed, 0]);
  }
}, 600_000);
