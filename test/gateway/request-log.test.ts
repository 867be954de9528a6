// The log of requests: what it holds of each, and what it must never hold.

import { describe, expect, test } from "bun:test";
import { keyReference } from "#src/core/ids.ts";
import { openState } from "#src/cli/compose.ts";
import { dialects } from "#src/core/dialects.ts";
import { lineOf, metricsOf } from "#src/observe/requests.ts";
import { openDatabase } from "#src/state/database.ts";
import { openHome } from "#src/state/paths.ts";
import { type LoggedRequest, openRequests } from "#src/state/requests.ts";
import { question } from "#test/support/asks.ts";
import { startGateway, type TestGateway, withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say, sequence } from "#test/support/upstream/script.ts";

/** What is in the log, once so many are. */
async function logged(gateway: TestGateway, count: number): Promise<LoggedRequest[]> {
  const { requests } = openState({ BROKE_HOME: gateway.home });
  for (;;) {
    const all = requests.last(1_000);
    if (all.length >= count) return all;
    await Bun.sleep(5);
  }
}

const SECRET = "secret-of-the-key-4711";

describe("one request", () => {
  test("with every attempt, its reason and its key by reference, who asked, and what it took", async () => {
    await using upstream = await startUpstream(
      sequence(refuse(429), { ...say("hi"), tokens: { input: 70, output: 7 } }),
    );
    await using gateway = await startGateway(
      [{ dialect: "anthropic", url: upstream.url, keyEnv: "MY_KEY" }],
      { MY_KEY: SECRET, MY_KEY_2: `${SECRET}-2` },
      { timing: { maxWaitMs: 0 } },
    );
    gateway.edit((routing) => withProfileOfAll(routing, "app"));
    const { token } = gateway.tokens.issue({ name: "ci", profile: "app", token: null, expiresMs: null });
    const prompt = "a prompt nobody may keep";
    const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: prompt }] };
    const reply = await gateway.post("/v1/messages", body, { headers: { authorization: `Bearer ${token}` } });
    expect(reply.status).toBe(200);
    const [row] = await logged(gateway, 1);
    const { atMs, ms, ttftMs, ...rest } = row!;
    expect(Math.abs(Date.now() - atMs)).toBeLessThan(60_000);
    expect(ms).toBeGreaterThanOrEqual(ttftMs!);
    const [first, second] = [keyReference("MY_KEY"), keyReference("MY_KEY_2")];
    expect(first).toMatch(/^key_[0-9a-f]{10}$/);
    expect(rest).toEqual({
      ...{ seq: 1, id: reply.headers.get("x-broke-request-id")!, run: null, profile: "app", token: "ci" },
      ...{ path: "/v1/messages", slot: "sonnet", backend: "backend-0", key: second, generation: 2 },
      tried: [
        { backend: "backend-0", key: first, status: 429, reason: "rate_limit" },
        { backend: "backend-0", key: second, status: 200, reason: null },
      ],
      ...{ status: 200, aborted: false, inputTokens: 70, outputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0 },
      ...{ costUsd: null, model: "model-0", answered: "model-0", losses: [] },
    } as typeof rest);
    for (const secret of [SECRET, "MY_KEY", token, prompt]) expect(JSON.stringify(row)).not.toContain(secret);
  });

  test("which model answered, in every dialect, streaming and not, is what the provider says", async () => {
    for (const dialect of dialects) {
      await using upstream = await startUpstream(() => say('it says "model": "forged", and {"modelVersion":"forged"}'));
      await using gateway = await startGateway([{ dialect, url: upstream.url, model: "the-model" }]);
      for (const client of dialects) {
        for (const stream of [false, true]) {
          const { path, body } = question[client](stream);
          await (await gateway.post(path, body)).text();
        }
      }
      const rows = await logged(gateway, 8);
      expect({ dialect, answered: [...new Set(rows.map(({ answered }) => answered))] }).toEqual({
        ...{ dialect, answered: ["the-model"] },
      });
    }
  });

  test("what was not carried, by kind, the end of a stream's answer too, and a person is shown it", async () => {
    await using upstream = await startUpstream(() => say("hi"));
    await using gateway = await startGateway([{ dialect: "openai-chat", url: upstream.url }]);
    for (const stream of [false, true]) {
      const { path, body } = question.anthropic(stream);
      await (await gateway.post(path, { ...body, top_k: 5 })).text();
    }
    const rows = await logged(gateway, 2);
    expect(rows.map(({ losses }) => losses)).toEqual([["top_k"], ["top_k"]]);
    expect(lineOf(rows[0]!)).toEndWith("  LOST top_k");
  });

  test("who was refused is in it too; who was not let in is not", async () => {
    await using gateway = await startGateway([]);
    const { path, body } = question.anthropic(false);
    await gateway.post(path, body);
    await gateway.post(path, { ...body, model: "what" });
    await gateway.post(path, body, { headers: { authorization: "Bearer wrong" } });
    expect((await logged(gateway, 2)).map(({ slot, status, tried }) => [slot, status, tried])).toEqual([
      ["sonnet", 400, []],
      [null, 404, []],
    ]);
  });
});

describe("the log", () => {
  const row = (gateway: LoggedRequest, atMs: number): LoggedRequest => ({ ...gateway, atMs });
  const blank: LoggedRequest = {
    ...{ id: "req_x", atMs: 0, run: null, profile: null, token: null, path: "/v1/messages", slot: "sonnet" },
    ...{ backend: "a", key: null, tried: [], generation: 1, status: 200, aborted: false, ms: 100, ttftMs: 50 },
    ...{ inputTokens: 10, outputTokens: 5, cacheReadTokens: null, cacheWriteTokens: null, costUsd: 0.5 },
    ...{ model: "org/m-1", answered: "m-1-2026-01-31", losses: [] },
  };

  test("the oldest go, by age and by number", async () => {
    await using gateway = await startGateway([]);
    const db = openDatabase(openHome({ BROKE_HOME: gateway.home }));
    const now = Date.now();
    const log = openRequests(db, () => now, 10);
    log.add(row(blank, now - 31 * 86_400_000));
    for (let count = 0; count < 15; count++) log.add(row(blank, now - count));
    log.flush();
    expect(log.last(100).length).toBe(10);
    expect(log.since(now - 3).length).toBe(0);
    expect(log.since(0).every(({ atMs }) => atMs > now - 86_400_000)).toBe(true);
  });

  test("one that cannot be written keeps no other from it", async () => {
    await using gateway = await startGateway([]);
    const log = openRequests(openDatabase(openHome({ BROKE_HOME: gateway.home })), Date.now);
    for (let count = 0; count < 9; count++)
      log.add({ ...row(blank, Date.now()), id: `req_${count}`, status: count === 4 ? 429.5 : 200 });
    expect(log.flush).toThrow("INTEGER");
    expect(log.last(100).map(({ id }) => id)).toEqual([0, 1, 2, 3, 5, 6, 7, 8].map((count) => `req_${count}`));
    expect(log.flush()).toBeUndefined();
  });

  test("a dated edition of what was asked for is no drift; another model, or a change of it, is", () => {
    const [one] = metricsOf([blank]);
    expect(one).toMatchObject({ backend: "a", requests: 1, p50Ms: 100, ttftMs: 50, costUsd: 0.5, drift: false });
    expect(metricsOf([{ ...blank, costUsd: null }])[0]!.costUsd).toBe(null);
    expect(metricsOf([{ ...blank, costUsd: null }, blank])[0]!.costUsd).toBe(0.5);
    const heard = (...models: string[]) => metricsOf(models.map((answered) => ({ ...blank, answered })))[0]!;
    expect(heard("other").drift).toBe(true);
    expect(heard("m-1", "m-1-20260131").drift).toBe(true);
    expect([heard("m-1").drift, heard("org/m-1").drift, heard("M-1-latest").drift]).toEqual([false, false, false]);
    expect(heard("m-1.5").drift).toBe(true);
    const failed = { ...blank, status: 429, tried: [{ backend: "b", key: null, status: 429, reason: "rate_limit" }] };
    expect(metricsOf([failed, blank]).map(({ backend, answered, failures }) => [backend, answered, failures])).toEqual([
      ["a", 1, {}],
      ["b", 0, { rate_limit: 1 }],
    ]);
  });
});

describe("/metrics", () => {
  test("is for the client token alone, guesses at it count, and nothing in it is a secret", async () => {
    await using upstream = await startUpstream(() => say("hi"));
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, keyEnv: "MY_KEY" }], {
      MY_KEY: SECRET,
    });
    gateway.edit((routing) => withProfileOfAll(routing, "app"));
    const { token } = gateway.tokens.issue({ name: "ci", profile: "app", token: null, expiresMs: null });
    const { path, body } = question.anthropic(true);
    await (await gateway.post(path, body)).text();
    await (await gateway.post(path, body, { headers: { authorization: `Bearer ${token}` } })).text();
    const text = await (await gateway.get("/metrics")).text();
    expect(text).toContain('broke_requests_total{profile="none",slot="sonnet",backend="backend-0",status="200"} 1');
    expect(text).toContain('broke_requests_total{profile="app",slot="sonnet",backend="backend-0",status="200"} 1');
    expect(text).toContain('broke_attempts_total{backend="backend-0",outcome="answered"} 2');
    for (const secret of [SECRET, "MY_KEY", token, "key_"]) expect(text).not.toContain(secret);
    expect((await gateway.get("/metrics", { authorization: `Bearer ${token}` })).status).toBe(403);
    expect((await gateway.get("/metrics", { "x-broke-profile": "app" })).status).toBe(403);
    const guess = () =>
      fetch(`${gateway.url}/metrics`, { headers: { authorization: "Bearer guess" }, keepalive: false });
    for (let count = 0; count < 20; count++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
  });
});
