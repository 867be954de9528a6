// Policies, fallbacks and health as a client meets them: over HTTP, with real keys in the file and providers that fail.

import { describe, expect, test } from "bun:test";
import { changeKeyPolicy, changeModelPolicy, setFallback } from "#src/routing/edit-policies.ts";
import { question } from "#test/support/asks.ts";
import { startGateway, type TestGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say } from "#test/support/upstream/script.ts";

const KEYS = { TEST_KEY: "the-first-key-value", TEST_KEY_2: "the-second-key-value", TEST_KEY_3: "the-third-key-value" };
const timing = { maxWaitMs: 0, backoffMs: 1 };
const { path, body } = question.anthropic(false);
const keyOf = (headers: Record<string, string>) =>
  Object.entries(KEYS).find(([, value]) => headers["x-api-key"] === value)?.[0] ?? "none";

async function ask(gateway: TestGateway, headers: Record<string, string> = {}): Promise<number> {
  const response = await gateway.post(path, body, { headers });
  await response.arrayBuffer();
  return response.status;
}

describe("keys", () => {
  const modes: [string, Parameters<typeof changeKeyPolicy>[2], string[]][] = [
    [
      "two healthy ones in turn, past one that is blocked",
      { mode: "round_robin" },
      ["TEST_KEY", "TEST_KEY_3", "TEST_KEY", "TEST_KEY_3", "TEST_KEY", "TEST_KEY_3"],
    ],
    [
      "the least recently used",
      { mode: "least_recently_used", order: ["TEST_KEY_3"] },
      ["TEST_KEY_3", "TEST_KEY", "TEST_KEY_3", "TEST_KEY"],
    ],
    [
      "by weight, evenly spread",
      { mode: "weighted", weights: { TEST_KEY: 2, TEST_KEY_2: 1, TEST_KEY_3: 1 } },
      ["TEST_KEY", "TEST_KEY_3", "TEST_KEY", "TEST_KEY", "TEST_KEY_3", "TEST_KEY"],
    ],
    ["the pin alone", { mode: "manual_pin", order: ["TEST_KEY_3"] }, ["TEST_KEY_3", "TEST_KEY_3"]],
  ];
  for (const [name, change, wanted] of modes) {
    test(name, async () => {
      await using upstream = await startUpstream(() => say("yes"));
      await using gateway = await startGateway(
        [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
        KEYS,
        { timing },
      );
      gateway.edit((routing) => changeKeyPolicy(routing, "TEST_KEY", change));
      gateway.health.set("key TEST_KEY_2", "blocked", null);
      for (const _ of wanted) expect(await ask(gateway)).toBe(200);
      expect(upstream.asked().length).toBe(wanted.length);
      expect(upstream.seen.map(({ headers }) => keyOf(headers))).toEqual(wanted);
      expect(gateway.health.get("key TEST_KEY_2")!.state).toBe("blocked");
    });
  }

  test("a pin that may not be used is no reason to use another", async () => {
    await using upstream = await startUpstream(() => say("yes"));
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }], KEYS, {
      timing,
    });
    gateway.edit((routing) => changeKeyPolicy(routing, "TEST_KEY", { mode: "manual_pin", order: ["TEST_KEY_2"] }));
    gateway.health.set("key TEST_KEY_2", "blocked", null);
    expect([await ask(gateway), upstream.asked().length]).toEqual([502, 0]);
  });

  test("the only key, blocked, gets nothing until the operator lifts it; a success under way lifts nothing", async () => {
    const answer = Promise.withResolvers<void>();
    await using upstream = await startUpstream(() => ({ ...say("yes"), gate: answer.promise }));
    await using gateway = await startGateway(
      [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
      { TEST_KEY: KEYS.TEST_KEY },
      { timing },
    );
    const underWay = ask(gateway);
    await upstream.until((seen) => seen.length === 1);
    gateway.health.set("key TEST_KEY", "blocked", null);
    answer.resolve();
    expect(await underWay).toBe(200);
    expect([await ask(gateway), await ask(gateway), upstream.asked().length]).toEqual([502, 502, 1]);
    gateway.health.lift("TEST_KEY");
    expect(await ask(gateway)).toBe(200);
  });

  test("a session keeps the key that answered it, others are not drawn along", async () => {
    let limited = true;
    await using upstream = await startUpstream((seen) =>
      keyOf(seen.headers) === "TEST_KEY" && limited ? refuse(429, "slow down", { "retry-after": "1" }) : say("yes"),
    );
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }], KEYS, {
      timing,
    });
    gateway.edit((routing) => changeKeyPolicy(routing, "TEST_KEY", { mode: "sticky" }));
    expect(await ask(gateway, { "x-broke-session": "one" })).toBe(200);
    limited = false;
    gateway.health.lift("TEST_KEY");
    expect([
      await ask(gateway, { "x-broke-session": "one" }),
      await ask(gateway, { "x-broke-session": "two" }),
    ]).toEqual([200, 200]);
    expect(upstream.seen.map(({ headers }) => keyOf(headers))).toEqual([
      "TEST_KEY",
      "TEST_KEY_2",
      "TEST_KEY_2",
      "TEST_KEY",
    ]);
  });
});

describe("after a cooldown", () => {
  test("one request tries, the others do not until it was answered", async () => {
    let answering = false;
    const answer = Promise.withResolvers<void>();
    await using upstream = await startUpstream(() =>
      answering ? { ...say("yes"), gate: answer.promise } : refuse(429, "slow down", { "retry-after": "1" }),
    );
    await using gateway = await startGateway(
      [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
      { TEST_KEY: KEYS.TEST_KEY },
      { timing },
    );
    expect(await ask(gateway)).toBe(429);
    answering = true;
    const subject = gateway.health.all()[0]!;
    while (Date.now() <= subject.untilMs!) await Bun.sleep(10);
    const first = ask(gateway);
    await upstream.until((seen) => seen.length === 2);
    expect(await Promise.all([ask(gateway), ask(gateway), ask(gateway)])).toEqual([429, 429, 429]);
    answer.resolve();
    expect([await first, await ask(gateway), upstream.asked().length]).toEqual([200, 200, 3]);
    expect(gateway.health.transitions(9).map(({ was, state, reason }) => [was, state, reason])).toEqual([
      ["cooldown", "healthy", "cooldown_expired"],
      ["healthy", "cooldown", "rate_limit"],
    ]);
  });

  test("a client that tries and goes away leaves the next one to try", async () => {
    let answering = false;
    const never = Promise.withResolvers<void>();
    await using upstream = await startUpstream((seen) =>
      !answering
        ? refuse(429, "slow down", { "retry-after": "1" })
        : seen.headers["anthropic-beta"] === "hang"
          ? { ...say("yes"), gate: never.promise }
          : say("yes"),
    );
    await using gateway = await startGateway(
      [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
      { TEST_KEY: KEYS.TEST_KEY },
      { timing },
    );
    expect(await ask(gateway)).toBe(429);
    answering = true;
    while (Date.now() <= gateway.health.all()[0]!.untilMs!) await Bun.sleep(10);
    const gone = new AbortController();
    const hanging = gateway
      .post(path, body, { signal: gone.signal, headers: { "anthropic-beta": "hang" } })
      .catch(() => "gone");
    await upstream.until((seen) => seen.length === 2);
    gone.abort();
    expect(await hanging).toBe("gone");
    await gateway.reported(2);
    while (gateway.health.all()[0]!.probeMs !== 0) await Bun.sleep(1);
    expect(await ask(gateway)).toBe(200);
    never.resolve();
  });
});

describe("models", () => {
  test("the chain that is printed answers in that order", async () => {
    await using down = await startUpstream(() => refuse(503, "down"));
    await using other = await startUpstream(() => refuse(500, "down too"));
    await using good = await startUpstream(() => say("yes"));
    await using gateway = await startGateway(
      [down, other, good].map(({ url }) => ({ dialect: "anthropic", url })),
      {},
      { timing },
    );
    gateway.edit((routing) => {
      const { direct: _, ...none } = routing.fallbacks;
      const bare = { ...routing, fallbacks: { ...none, direct: {} } };
      return setFallback(bare, bare, { slot: "sonnet", scope: "backend", targets: ["backend-1", "backend-2"] });
    });
    expect(await ask(gateway)).toBe(200);
    expect([down, other, good].map((upstream) => upstream.asked().length)).toEqual([2, 2, 1]);
  });

  test("what is too long for one is asked of the next, where there is one, and held against nobody", async () => {
    const long = () => refuse(400, "prompt is too long: 250000 tokens > 200000 maximum");
    await using small = await startUpstream(long);
    await using large = await startUpstream(() => say("yes"));
    await using gateway = await startGateway(
      [small, large].map(({ url }) => ({ dialect: "anthropic", url })),
      {},
      { timing },
    );
    expect([await ask(gateway), gateway.health.all()]).toEqual([200, []]);
    gateway.edit((routing) => ({ ...routing, fallbacks: { ...routing.fallbacks, direct: {} } }));
    expect([await ask(gateway), gateway.health.all()]).toEqual([400, []]);
  });

  test("in turn, each with its own name in the answer; retries bound what is tried", async () => {
    await using upstream = await startUpstream(() => say("yes"));
    await using gateway = await startGateway(
      [0, 1].map(() => ({ dialect: "anthropic", url: upstream.url })),
      {},
      { timing },
    );
    gateway.edit((routing) =>
      changeModelPolicy(routing, "sonnet", { mode: "round_robin", order: ["backend-1", "backend-0"], retries: 1 }),
    );
    for (let at = 0; at < 4; at++) expect(await ask(gateway)).toBe(200);
    expect(upstream.asked().map(({ model }) => model)).toEqual(["model-1", "model-0", "model-1", "model-0"]);
  });
});

test("a slot that is not allowed is refused by every name and door, and in no list", async () => {
  await using upstream = await startUpstream(() => say("yes"));
  await using gateway = await startGateway(
    [{ dialect: "gemini", url: upstream.url, model: "raw-model" }],
    {},
    { timing },
  );
  gateway.edit((routing) => ({
    ...routing,
    slots: { ...routing.slots, opus: "backend-0" },
    access: { ...routing.access, slots: ["haiku"] },
  }));
  const names = ["sonnet", "SONNET", "claude-sonnet-5", "claude-opus-4-1[1m]", "backend-0", "raw-model"];
  for (const model of names) {
    const asked = [
      gateway.post("/v1/messages", { ...(body as object), model }),
      gateway.post("/v1/messages/count_tokens", { model, messages: [{ role: "user", content: "hi" }] }),
      gateway.post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hi" }] }),
      gateway.post("/v1/responses", { model, input: "hi" }),
      gateway.post(`/v1beta/models/${encodeURIComponent(model)}:generateContent`, {
        contents: [{ role: "user", parts: [{ text: "hi" }] }],
      }),
      gateway.get(`/v1/models/${encodeURIComponent(model)}`),
    ];
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect({ model, statuses }).toEqual({ model, statuses: [403, 403, 403, 403, 403, 404] });
  }
  expect(await (await gateway.get("/v1/models")).json()).toEqual({ object: "list", data: [] });
  expect(upstream.asked()).toEqual([]);
});

test.each([
  [
    402,
    "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 900.",
  ],
  [429, "Request too large for model-0 on tokens per min (TPM): Limit 6000, Requested 90000."],
])(
  "a request that asks for too much (%i) goes on to the next backend, and others still find the first",
  async (status, message) => {
    await using first = await startUpstream((_, index) => (index === 0 ? refuse(status, message) : say("first")));
    await using second = await startUpstream(() => say("second"));
    await using gateway = await startGateway(
      [
        { dialect: "anthropic", url: first.url, keyEnv: "TEST_KEY" },
        { dialect: "anthropic", url: second.url },
      ],
      { TEST_KEY: "the-first-key-value" },
      { timing },
    );
    const answer = async () => (await gateway.post(path, body)).headers.get("x-broke-backend");
    expect([await answer(), gateway.health.all(), await answer()]).toEqual(["backend-1", [], "backend-0"]);
  },
);
