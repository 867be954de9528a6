// A question of a role of ours, asked in this process: by the resolver like any other, and what goes wrong is an answer.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { askModel, type Question } from "#src/gateway/ask.ts";
import type { RequestReport } from "#src/gateway/ports.ts";
import { addBackend } from "#src/routing/edit.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say, type Script } from "#test/support/upstream/script.ts";

async function ask(script: Script, over: Partial<Question> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "broke-ask-"));
  await using upstream = await startUpstream(script);
  try {
    const state = openState({ BROKE_HOME: dir });
    state.generations.commit("test", (routing) => {
      const backend = { provider: null, baseUrl: `${upstream.url}/v1`, model: "m", keyEnv: null, price: null };
      const added = addBackend(routing, { label: "b", dialect: "openai-chat", ...backend });
      return { ...added, slots: { ...added.slots, opus: "b" } };
    });
    const reports: RequestReport[] = [];
    const reply = await askModel(gatewayDeps(state), {
      ...{ slot: "opus", system: "You review.", messages: [{ role: "user", text: "Well?" }], maxTokens: 99 },
      ...{ signal: AbortSignal.timeout(20_000), onRequest: (report: RequestReport) => void reports.push(report) },
      ...over,
    });
    return { reply, reports, asked: upstream.asked() };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe("a question", () => {
  test("is answered by the slot's backend, in whatever dialect it speaks", async () => {
    const { reply, reports, asked } = await ask(() => say("Very ", "well."));
    expect(reply).toEqual({ kind: "answer", text: "Very well." });
    expect(reports).toMatchObject([{ slot: "opus", backend: "b", status: 200 }]);
    expect(asked[0]!.history.map(({ role, text }) => [role, text])).toEqual([
      ["system", "You review."],
      ["user", "Well?"],
    ]);
  });

  test.each([
    ["its provider is over its limit", () => refuse(429), {}],
    ["nobody answers for the slot", () => say("x"), { slot: "haiku" }],
    ["there is no such slot", () => say("x"), { slot: "none" }],
  ] as [string, Script, Partial<Question>][])("%s: refused", async (_name, script, over) => {
    const { reply } = await ask(script, over);
    expect(reply).toMatchObject({ kind: "refused", reason: expect.any(String) as string });
    expect(reply.kind === "refused" ? (reply.status ?? 0) : 0).toBeGreaterThanOrEqual(400);
  });

  test("is given up when it takes too long", async () => {
    const gate = new Promise<void>((done) => setTimeout(done, 2000));
    const { reply } = await ask(() => ({ ...say("late"), gate }), { signal: AbortSignal.timeout(200) });
    expect(reply.kind).toBe("refused");
  });
});
