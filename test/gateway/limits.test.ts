// Limits over real connections: refused in the words of every dialect, with how long to wait; given back however a request ends.

import { describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { dialects } from "#src/core/dialects.ts";
import { openAccess } from "#src/routing/access.ts";
import type { Routing } from "#src/routing/generation.ts";
import { openState } from "#src/cli/compose.ts";
import { question } from "#test/support/asks.ts";
import { serveTwin, startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say, type Script } from "#test/support/upstream/script.ts";

async function world(access: Partial<Routing["access"]>, script: Script = () => say("hi")) {
  const upstream = await startUpstream(script);
  const gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }], {}, { timing: { backoffMs: 1 } });
  gateway.edit((routing) => {
    const price = { input: 1_000_000, output: 1_000_000, cached: null };
    const backends = { "backend-0": { ...routing.backends["backend-0"]!, price } };
    return { ...routing, backends, access: { ...openAccess, ...access } };
  });
  const ask = (dialect: (typeof dialects)[number] = "anthropic", stream = false, signal?: AbortSignal) => {
    const { path, body } = question[dialect](stream);
    return gateway.post(path, body, signal === undefined ? {} : { signal });
  };
  return {
    ...{ upstream, gateway, ask },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe("requests a minute", () => {
  test("the second is refused in the caller's words, with the true wait, and nobody is asked", async () => {
    const words = {
      anthropic: "rate_limit_error",
      "openai-chat": "rate_limit",
      "openai-responses": "rate_limit",
      gemini: "RESOURCE_EXHAUSTED",
    };
    for (const dialect of dialects) {
      await using all = await world({ rpm: 1 });
      expect((await all.ask(dialect)).status).toBe(200);
      for (const stream of [false, true]) {
        const refused = await all.ask(dialect, stream);
        const { status, headers } = refused;
        expect({ dialect, status, retry: headers.get("x-should-retry") }).toEqual({
          dialect,
          status: 429,
          retry: null,
        });
        expect(Number(headers.get("retry-after"))).toBeWithin(50, 61);
        const text = await refused.text();
        expect(text).toContain(words[dialect]);
        expect(text).toContain("the limit of 1 requests a minute is reached");
      }
      expect(all.upstream.asked().length).toBe(1);
    }
  });

  test("by whatever path: another dialect, a count; what could not be served takes no place", async () => {
    await using all = await world({ rpm: 1, slots: ["sonnet"] });
    const wrong = { model: "opus", max_tokens: 5, messages: [{ role: "user", content: "hi" }] };
    for (let count = 0; count < 3; count++) expect((await all.gateway.post("/v1/messages", wrong)).status).toBe(403);
    expect((await all.ask("gemini")).status).toBe(200);
    for (const dialect of dialects) expect((await all.ask(dialect)).status).toBe(429);
    expect((await all.gateway.post("/v1/messages", wrong)).status).toBe(403);
    const { body } = question.anthropic(false);
    expect((await all.gateway.post("/v1/messages/count_tokens", body)).status).toBe(429);
    expect((await all.gateway.get("/v1/models")).status).toBe(200);
  });

  test("of a profile are its own: the live routing's are not touched, and a header cannot change whose they are", async () => {
    await using all = await world({});
    const { gateway, upstream } = all;
    gateway.edit((routing) => ({
      ...routing,
      teams: { work: { mode: "cli", slots: routing.slots, fallbacks: routing.fallbacks, access: openAccess } },
      profiles: { app: { team: "work", description: "", access: { ...openAccess, rpm: 1 } } },
    }));
    const { token } = gateway.tokens.issue({ name: null, profile: "app", token: null, expiresMs: null });
    const other = gateway.tokens.issue({ name: null, profile: "app", token: null, expiresMs: null });
    const { path, body } = question["openai-chat"](false);
    const as = async (given: string, headers: Record<string, string> = {}) =>
      (await gateway.post(path, body, { headers: { authorization: `Bearer ${given}`, ...headers } })).status;
    expect([await as(token), await as(token), await as(other.token)]).toEqual([200, 429, 429]);
    expect(await as(TOKEN, { "x-broke-profile": "app" })).toBe(429);
    expect(await as(token, { "x-forwarded-for": "1.2.3.4", "x-broke-session": "new" })).toBe(429);
    expect([await as(TOKEN), await as(TOKEN)]).toEqual([200, 200]);
    expect(upstream.asked().length).toBe(3);
  });
});

describe("requests at once", () => {
  test("a place is given back when the answer is over, the client goes away, or the provider fails", async () => {
    const open = Promise.withResolvers<void>();
    await using all = await world({ concurrency: 1 }, async (seen) => {
      if (seen.model === "never") return refuse(500);
      await open.promise;
      return say("hi");
    });
    const gone = new AbortController();
    const first = all.ask("anthropic", true, gone.signal).catch(() => undefined);
    while (all.upstream.asked().length === 0) await Bun.sleep(1);
    const refused = await all.ask();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    gone.abort();
    await first;
    await all.gateway.reported(2);
    open.resolve();
    expect((await all.ask()).status).toBe(200);
    await (await all.ask("anthropic", true)).text();
    all.gateway.edit((routing) => ({
      ...routing,
      backends: { "backend-0": { ...routing.backends["backend-0"]!, model: "never" } },
    }));
    for (let count = 0; count < 2; count++) expect((await all.ask()).status).toBe(500);
  });
});

describe("tokens a minute, and money", () => {
  test("corrected by what the provider says: a long answer makes the next one wait", async () => {
    await using all = await world({ tpm: 2_000 }, () => ({ ...say("hi"), tokens: { input: 1_500, output: 600 } }));
    expect((await all.ask()).status).toBe(200);
    const refused = await all.ask("openai-chat");
    expect([refused.status, await refused.text()]).toEqual([
      429,
      expect.stringContaining("2000 tokens a minute") as string,
    ]);
  });

  test("what a provider says that is no number of tokens is not counted, and a fraction is rounded up; nothing is lost by it", async () => {
    const said = [
      { input: -1e9, output: -1e9 },
      { input: 1e308, output: 1e308 },
      { input: 1.25, output: 0.5 },
    ];
    for (const stream of [false, true]) {
      let next = 0;
      await using all = await world({ tpm: 4_000 }, () => ({ ...say("hi"), tokens: said[next++]! }));
      for (let count = 0; count < said.length; count++) expect((await all.ask("anthropic", stream)).status).toBe(200);
      await all.gateway.reported(said.length);
      const { limits, requests } = openState({ BROKE_HOME: all.gateway.home });
      const need = { tokens: 0, usd: 0 };
      const left = async (tpm: number) => (await limits.take("live", { ...openAccess, tpm }, need)).kind;
      // Two whose cost nobody knows, by what was reserved for them, and one of three tokens.
      expect([await left(60), await left(4_000)]).toEqual(["refused", "held"]);
      const logged = () => requests.last(9).map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]);
      while (logged().length < said.length) await Bun.sleep(5);
      expect(logged()).toEqual([
        [null, null],
        [null, null],
        [2, 1],
      ]);
    }
  });

  test("one request that is more than the limit is told that waiting is no use", async () => {
    await using all = await world({ tpm: 50 });
    const refused = await all.ask();
    expect([refused.status, refused.headers.get("x-should-retry")]).toEqual([429, "false"]);
    expect(all.upstream.asked()).toEqual([]);
  });

  test("the day's money is over: until midnight in UTC, and official clients do not ask again", async () => {
    await using all = await world({ dailyUsd: 2_000 }, () => ({ ...say("hi"), tokens: { input: 1_500, output: 600 } }));
    const client = new Anthropic({ baseURL: all.gateway.url, authToken: TOKEN, apiKey: null, maxRetries: 3 });
    const call = () =>
      client.messages.create({ model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }] });
    await call();
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 429, message: expect.stringContaining("$2000 a day (UTC)") as string });
    expect(all.gateway.reports.length).toBe(2);
    const untilMidnight = 86_400 - Math.floor((Date.now() / 1000) % 86_400);
    const refused = await all.ask("openai-chat");
    expect(Math.abs(Number(refused.headers.get("retry-after")) - untilMidnight)).toBeLessThan(5);
    expect(await refused.text()).toContain("insufficient_quota");
    expect(openState({ BROKE_HOME: all.gateway.home }).limits.spentToday("live")).toBe(2_100);
  });

  test("who goes away before the provider has said what it took pays what was reserved, or what came", async () => {
    const rest = Promise.withResolvers<void>();
    await using all = await world({ tpm: 3_000 }, () => ({
      ...say("one two three four"),
      pieces: 4,
      pause: { after: 4, until: rest.promise },
    }));
    for (let count = 0; count < 40; count++) {
      const gone = new AbortController();
      const reply = await all.ask("anthropic", true, gone.signal);
      if (reply.status === 429) break;
      await reply.body!.getReader().read();
      gone.abort();
      await all.gateway.reported(count + 1);
    }
    rest.resolve();
    expect(all.upstream.asked().length).toBeLessThan(30);
    expect(all.gateway.reports.at(-1)!.status).toBe(429);
  });
});

test("two gateways of one home let in exactly so many between them", async () => {
  await using first = await world({ rpm: 10 });

  await using twin = serveTwin(first.gateway.home);
  const { path, body } = question.anthropic(false);
  const asks = Array.from({ length: 30 }, (_, at) =>
    fetch((at % 2 === 0 ? first.gateway.url : twin.url) + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(body),
    }).then(({ status }) => status),
  );
  const statuses = await Promise.all(asks);
  expect(statuses.filter((status) => status === 200).length).toBe(10);
  expect(first.upstream.asked().length).toBe(10);
});
