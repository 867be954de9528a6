// What the router promises beyond single attempts: one loop of retries, nothing of a failed attempt in the answer, and a whole generation for
// every request while the operator edits.

import { describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { dialects } from "#src/core/dialects.ts";
import { emptyRouting } from "#src/routing/generation.ts";
import { question } from "#test/support/asks.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say, type Seen } from "#test/support/upstream/script.ts";

const EDITS = 300;

describe("one loop of retries", () => {
  test("a provider that says asking again is no use is asked once, the next backend still may, and the client's SDK does not ask again", async () => {
    const headers = { "x-should-retry": "false" };
    await using first = await startUpstream(() => refuse(503, "down for long", headers));
    await using second = await startUpstream(() => refuse(500, "down too", headers));
    await using gateway = await startGateway([
      { dialect: "anthropic", url: first.url },
      { dialect: "openai-chat", url: second.url },
    ]);
    const client = new Anthropic({ baseURL: gateway.url, authToken: TOKEN, apiKey: null, maxRetries: 2 });
    const error: unknown = await client.messages
      .create({ model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }] })
      .then(
        () => "it did not fail",
        (reason: unknown) => reason,
      );
    expect(error).toMatchObject({ status: 500, message: expect.stringContaining("down too") as string });
    expect([first.asked().length, second.asked().length, gateway.reports.length]).toEqual([1, 1, 1]);
  });

  test("a provider that always fails is asked twice for a request, once for each of its keys where they are at fault", async () => {
    for (const [status, calls] of [
      [503, 2],
      [429, 3],
      [400, 1],
    ] as const) {
      await using upstream = await startUpstream(() => refuse(status));
      const keys = { TEST_KEY: "first-key-value", TEST_KEY_2: "second-key-value", TEST_KEY_3: "third-key-value" };
      await using gateway = await startGateway(
        [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
        keys,
        { timing: { maxWaitMs: 0, backoffMs: 1 } },
      );
      const { path, body } = question.anthropic(false);
      expect((await gateway.post(path, body)).status).toBe(status);
      expect({ status, calls: upstream.asked().length }).toEqual({ status, calls });
    }
  });
});

describe("nothing of a failed attempt", () => {
  /** What a stream has once. */
  const begins = {
    anthropic: "event: message_start",
    "openai-chat": '"role":"assistant"',
    "openai-responses": "event: response.created",
    gemini: "finishReason",
  };
  for (const client of dialects) {
    test(`reaches a ${client} client: the next backend's answer is all there is`, async () => {
      // All that may come before content: who speaks, what the prompt cost, signs of life.
      const frames = { anthropic: 1, "openai-chat": 1, "openai-responses": 2, gemini: 0 };
      for (const backend of dialects) {
        await using bad = await startUpstream(() => ({
          ...say("lost"),
          tokens: { input: 9999 },
          error: { after: frames[backend], message: "overloaded" },
        }));
        await using good = await startUpstream(() => ({ ...say("kept"), pieces: 1 }));
        await using gateway = await startGateway(
          [
            { dialect: backend, url: bad.url },
            { dialect: "openai-chat", url: good.url },
          ],
          {},
          { timing: { backoffMs: 1 } },
        );
        const { path, body } = question[client](true);
        const text = await (await gateway.post(path, body)).text();
        await gateway.reported(1);
        expect(text).not.toMatch(/lost|9999|overloaded/);
        expect(text).toContain("kept");
        expect({ backend, beginnings: text.split(begins[client]).length - 1 }).toEqual({ backend, beginnings: 1 });
        expect(gateway.reports).toMatchObject([{ status: 200, attempts: 3, inputTokens: 100, outputTokens: 20 }]);
      }
    });
  }

  test("and nobody else is asked once content is out", async () => {
    for (const client of dialects) {
      const rest = Promise.withResolvers<void>();
      await using first = await startUpstream(() => ({
        ...say("one two three"),
        pieces: 3,
        pause: { after: 4, until: rest.promise },
        cut: { frames: 4 },
      }));
      await using second = await startUpstream(() => say("from the second"));
      await using gateway = await startGateway([
        { dialect: "anthropic", url: first.url },
        { dialect: "anthropic", url: second.url },
      ]);
      const { path, body } = question[client](true);
      const response = await gateway.post(path, body);
      const reader = response.body!.getReader();
      let text = "";
      while (!text.includes("one")) text += new TextDecoder().decode((await reader.read()).value);
      rest.resolve();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += new TextDecoder().decode(part.value);
      }
      expect({ client, second: text.includes("from the second"), asked: second.seen.length }).toEqual({
        client,
        second: false,
        asked: 0,
      });
    }
  });
});

test("hundreds of edits while requests run: each request sees one generation whole", async () => {
  // The answer says which model was asked: the generation's own, and no other.
  await using one = await startUpstream(async (seen) => {
    await Bun.sleep(Math.random() * 5);
    return { ...say(`${seen.model}.`), pieces: 1 };
  });
  await using other = await startUpstream((seen) => ({ ...say(`${seen.model}.`), pieces: 1 }));
  await using gateway = await startGateway([
    { dialect: "anthropic", url: one.url },
    { dialect: "openai-responses", url: other.url },
  ]);
  const models = new Map([[1, "model-0"]]);
  const edit = (id: number) => {
    const label = `backend-${id % 2}`;
    models.set(id, `model-of-${id}`);
    gateway.edit((routing) => ({
      ...routing,
      backends: { ...routing.backends, [label]: { ...routing.backends[label]!, model: `model-of-${id}` } },
      slots: { ...routing.slots, sonnet: label },
      fallbacks: emptyRouting.fallbacks,
    }));
  };
  const asking: Promise<{ id: number; right: boolean }>[] = [];
  for (let id = 2; id < EDITS + 2; id++) {
    edit(id);
    const client = dialects[id % dialects.length]!;
    const { path, body } = question[client](id % 3 === 0);
    asking.push(
      gateway.post(path, body).then(async (response) => {
        const text = await response.text();
        const id = Number(response.headers.get("x-broke-generation"));
        return { id, right: text.includes(`${models.get(id)}.`) };
      }),
    );
    if (id % 5 === 0) await Bun.sleep(0);
  }
  const seen = await Promise.all(asking);
  expect(seen.filter(({ right }) => !right)).toEqual([]);
  expect(new Set(seen.map(({ id }) => id)).size).toBeGreaterThan(EDITS / 10);
  // Each provider was asked for models of its own only.
  const strangers = [one, other].flatMap((upstream, at) =>
    upstream.asked().filter(({ model }) => model !== "model-0" && Number(model.slice("model-of-".length)) % 2 !== at),
  );
  expect(strangers.map(({ model }) => model)).toEqual([]);
});

test("hundreds of edits of the keys while requests run: each request keeps its key and its model over all its attempts", async () => {
  const calls = new Map<string, { key: string; model: string }[]>();
  const note = (seen: Seen) => {
    const asked = seen.history.at(-1)!.text;
    calls.set(asked, [...(calls.get(asked) ?? []), { key: seen.headers["x-api-key"] ?? "none", model: seen.model }]);
  };
  // Said of the request alone, so that each goes on to the second backend, and nothing is held against the first.
  await using first = await startUpstream(async (seen) => {
    note(seen);
    await Bun.sleep(1 + Math.random() * 20);
    return refuse(400, "prompt is too long: 300000 tokens > 200000 maximum");
  });
  await using second = await startUpstream((seen) => {
    note(seen);
    return say("yes");
  });
  const backends = [first, second].map(({ url }) => ({ dialect: "anthropic" as const, url, keyEnv: "TEST_KEY" }));
  await using gateway = await startGateway(backends, { TEST_KEY: "key-value-of-0" });
  const generations = new Map([[1, "model-0"]]);
  const asking: Promise<{ id: string; status: number; generation: number }>[] = [];
  for (let at = 1; at <= EDITS; at++) {
    // Every third time there is none at all for a moment: a request that was let in has one.
    if (at % 3 === 0) gateway.setKeys({ OTHER_KEY: "something-else" });
    await Bun.sleep(0);
    gateway.setKeys({ TEST_KEY: `key-value-of-${at}` });
    generations.set(at + 1, `model-of-${at}`);
    gateway.edit((routing) => ({
      ...routing,
      backends: Object.fromEntries(
        Object.entries(routing.backends).map(([label, backend]) => [label, { ...backend, model: `model-of-${at}` }]),
      ),
    }));
    const id = `request ${at}`;
    const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: id }] };
    asking.push(
      gateway.post("/v1/messages", body).then(async (response) => {
        await response.text();
        return { id, status: response.status, generation: Number(response.headers.get("x-broke-generation")) };
      }),
    );
  }
  const answers = await Promise.all(asking);
  const wrong = answers.filter(({ id, status, generation }) => {
    const [one, two, ...more] = calls.get(id) ?? [];
    const whole = one !== undefined && one.key !== "none" && Bun.deepEquals(one, two) && more.length === 0;
    return status === 200 ? !whole || one.model !== generations.get(generation) : calls.has(id);
  });
  expect(wrong).toEqual([]);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(EDITS / 2);
  expect(new Set([...calls.values()].map(([one]) => one!.key)).size).toBeGreaterThan(EDITS / 10);
});
