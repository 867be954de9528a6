// Which key and which backend is asked next, what is held against whom, for how long, and what the client is told when nobody is left.

import { describe, expect, test } from "bun:test";
import { emptyRouting } from "#src/routing/generation.ts";
import { type BackendSpec, startGateway, type TestGateway } from "#test/support/gateway.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { refuse, type Reply, say, type Script, sequence } from "#test/support/upstream/script.ts";

const ask = { model: "sonnet", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
const keys = { TEST_KEY: "first-key-value", TEST_KEY_2: "second-key-value", TEST_KEY_3: "third-key-value" };
const keyOf = (seen: { headers: Record<string, string> }) =>
  Object.entries(keys).find(([, value]) => seen.headers["x-api-key"] === value)?.[0] ?? "none";
const keysAsked = (upstream: Upstream) => upstream.asked().map(keyOf);

/** One backend with three keys unless told otherwise; each key's answers by its own script. */
async function withPool(
  script: Script,
  play: (gateway: TestGateway, upstream: Upstream) => Promise<void>,
  more: BackendSpec[] = [],
): Promise<void> {
  await using upstream = await startUpstream(script);
  await using gateway = await startGateway(
    [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }, ...more],
    keys,
    {
      timing: { maxWaitMs: 0 },
    },
  );
  await play(gateway, upstream);
}

const byKey =
  (answers: Record<string, Reply>, otherwise: Reply = say("ok")): Script =>
  (seen) =>
    answers[keyOf(seen)] ?? otherwise;

describe("a key that cannot serve leaves the others", () => {
  const cases: [string, Reply, { state: string; forever: boolean }][] = [
    ["429", refuse(429, "slow down"), { state: "rate_limit", forever: false }],
    ["429 that says for how long", refuse(429, "x", { "retry-after": "40" }), { state: "rate_limit", forever: false }],
    ["401", refuse(401, "bad key"), { state: "auth_failure", forever: false }],
    ["402", refuse(402, "no credit"), { state: "quota_exhausted", forever: true }],
  ];
  for (const [name, reply, { state, forever }] of cases) {
    test(name, async () => {
      await withPool(byKey({ TEST_KEY: reply }), async (gateway, upstream) => {
        for (let round = 0; round < 3; round++) expect((await gateway.post("/v1/messages", ask)).status).toBe(200);
        // From the very next request on it is not asked again.
        expect(keysAsked(upstream)).toEqual(["TEST_KEY", "TEST_KEY_2", "TEST_KEY_2", "TEST_KEY_2"]);
        expect<unknown>(gateway.health.all().map(({ reason, untilMs }) => [reason, untilMs === null])).toEqual([
          [state, forever],
        ]);
      });
    });
  }

  test("the limit is of one key and one model: another model's requests still use the key", async () => {
    await withPool(
      (seen) => (seen.model === "model-0" && keyOf(seen) === "TEST_KEY" ? refuse(429) : say("ok")),
      async (gateway, upstream) => {
        await gateway.post("/v1/messages", ask);
        gateway.edit((routing) => ({
          ...routing,
          backends: {
            ...routing.backends,
            other: { ...routing.backends["backend-0"]!, label: "other", model: "other-model" },
          },
          slots: { ...routing.slots, opus: "other" },
        }));
        await gateway.post("/v1/messages", { ...ask, model: "opus" });
        expect(upstream.asked().map((seen) => [seen.model, keyOf(seen)])).toEqual([
          ["model-0", "TEST_KEY"],
          ["model-0", "TEST_KEY_2"],
          ["other-model", "TEST_KEY"],
        ]);
      },
    );
  });
});

describe("how long", () => {
  const untilOf = (gateway: TestGateway) => gateway.health.all()[0]!.untilMs! - Date.now();

  test("as the provider says, within bounds", async () => {
    for (const [said, low, high] of [
      ["30", 25_000, 30_000],
      ["0", 0, 1_000],
      ["999999", 3_590_000, 3_600_000],
      [new Date(Date.now() + 50_000).toUTCString(), 45_000, 50_000],
    ] as const) {
      await withPool(byKey({ TEST_KEY: refuse(429, "x", { "retry-after": said }) }), async (gateway) => {
        await gateway.post("/v1/messages", ask);
        const wait = untilOf(gateway);
        expect({ said, wait, fits: wait > low - 1 && wait <= high }).toMatchObject({ said, fits: true });
      });
    }
  });

  test("a second failure extends the deadline and never shortens it", async () => {
    const waits = ["40", "5"];
    await withPool(
      (seen) => (keyOf(seen) === "TEST_KEY" ? refuse(429, "x", { "retry-after": waits.shift()! }) : say("ok")),
      async (gateway) => {
        await gateway.post("/v1/messages", ask);
        const first = gateway.health.all()[0]!;
        // As another process of ours would, which had asked at the same time.
        gateway.health.failed({ backend: { label: "backend-0", model: "model-0" }, keyName: "TEST_KEY" } as never, {
          reason: "rate_limit",
          retryAfterMs: 5_000,
        });
        expect(gateway.health.all()[0]).toEqual({ ...first, strikes: 2 });
      },
    );
  });

  test("a key whose limit is about to pass is waited for", async () => {
    await using upstream = await startUpstream(sequence(refuse(429, "x", { "retry-after": "1" }), say("ok")));
    await using gateway = await startGateway(
      [{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }],
      { TEST_KEY: "first-key-value" },
      { timing: { maxWaitMs: 3_000 } },
    );
    const limited = await gateway.post("/v1/messages", ask);
    expect({ status: limited.status, after: limited.headers.get("retry-after") }).toEqual({ status: 429, after: "1" });
    expect((await gateway.post("/v1/messages", ask)).status).toBe(200);
  });
});

test("all keys limited: 429 with the earliest deadline, and nobody is asked", async () => {
  const waits: Record<string, string> = { TEST_KEY: "50", TEST_KEY_2: "20", TEST_KEY_3: "40" };
  await withPool(
    (seen) => refuse(429, "slow", { "retry-after": waits[keyOf(seen)]! }),
    async (gateway, upstream) => {
      const first = await gateway.post("/v1/messages", ask);
      expect({ status: first.status, after: first.headers.get("retry-after") }).toEqual({ status: 429, after: "20" });
      const second = await gateway.post("/v1/messages", ask);
      expect(second.status).toBe(429);
      expect(Number(second.headers.get("retry-after"))).toBeWithin(15, 22);
      expect(upstream.asked()).toHaveLength(3);
    },
  );
});

test("a limit beside another failure is no reason to wait: the last true error has its own deadline", async () => {
  await withPool(
    byKey(
      { TEST_KEY: refuse(429, "slow", { "retry-after": "5" }), TEST_KEY_2: refuse(402, "no credit") },
      refuse(429, "x", { "retry-after": "30" }),
    ),
    async (gateway) => {
      const response = await gateway.post("/v1/messages", ask);
      expect([response.status, response.headers.get("retry-after")]).toEqual([429, "30"]);
    },
  );
});

test("all keys refused: 502 that says so, never a raw 401, until the operator lifts it", async () => {
  await withPool(
    () => refuse(402, "no credit"),
    async (gateway, upstream) => {
      expect((await gateway.post("/v1/messages", ask)).status).toBe(402);
      const refused = await gateway.post("/v1/messages", ask);
      expect({ status: refused.status, retry: refused.headers.get("x-should-retry") }).toEqual({
        status: 502,
        retry: "false",
      });
      expect(await refused.text()).toContain("key-state");
      expect(upstream.asked()).toHaveLength(3);
      expect(gateway.health.lift("TEST_KEY_2")).toBe(1);
      upstream.play(sequence(say("paid")));
      expect((await gateway.post("/v1/messages", ask)).status).toBe(200);
      expect(keyOf(upstream.asked().at(-1)!)).toBe("TEST_KEY_2");
    },
  );
});

describe("what is the request's own fault goes to the client: no other key, no other backend, nothing held against anybody", () => {
  for (const status of [400, 403, 404, 413, 422]) {
    test(String(status), async () => {
      await using other = await startUpstream(sequence(say("not asked")));
      await withPool(
        () => refuse(status, `cause ${status}`),
        async (gateway, upstream) => {
          const response = await gateway.post("/v1/messages", ask);
          expect({ status: response.status, said: (await response.text()).includes(`cause ${status}`) }).toEqual({
            status,
            said: true,
          });
          expect([upstream.asked().length, other.seen.length, gateway.health.all()]).toEqual([1, 0, []]);
        },
        [{ dialect: "anthropic", url: other.url }],
      );
    });
  }
});

describe("a provider's own failure: once more with the same key, then the next backend", () => {
  for (const status of [500, 502, 503, 529]) {
    test(String(status), async () => {
      await using other = await startUpstream(sequence(say("from the second")));
      await withPool(
        () => refuse(status, "down"),
        async (gateway, upstream) => {
          const response = await gateway.post("/v1/messages", ask);
          expect(await response.text()).toContain("from the second");
          expect(response.headers.get("x-broke-attempts")).toBe("3");
          expect(keysAsked(upstream)).toEqual(["TEST_KEY", "TEST_KEY"]);
        },
        [{ dialect: "openai-chat", url: other.url }],
      );
    });
  }

  test("one that passes costs one attempt more and is not held against it", async () => {
    const replies = [refuse(503, "busy"), say("again")];
    await withPool(
      (_seen, index) => replies[index]!,
      async (gateway, upstream) => {
        expect(await (await gateway.post("/v1/messages", ask)).text()).toContain("again");
        expect([upstream.asked().length, gateway.health.all()]).toEqual([2, []]);
      },
    );
  });

  test("a network that is not there is one too", async () => {
    await using other = await startUpstream(sequence(say("from the second")));
    await using gateway = await startGateway([
      { dialect: "anthropic", url: "http://127.0.0.1:9" },
      { dialect: "anthropic", url: other.url },
    ]);
    expect(await (await gateway.post("/v1/messages", ask)).text()).toContain("from the second");
  });

  test("the breaker: after three requests in a row a backend is left alone for a while", async () => {
    await using other = await startUpstream(() => say("from the second"));
    await withPool(
      () => refuse(500, "down"),
      async (gateway, upstream) => {
        for (let round = 0; round < 4; round++) expect((await gateway.post("/v1/messages", ask)).status).toBe(200);
        expect(upstream.asked()).toHaveLength(6);
        expect(gateway.health.all()).toMatchObject([
          { subject: "backend backend-0", reason: "upstream_error", strikes: 3 },
        ]);
      },
      [{ dialect: "anthropic", url: other.url }],
    );
  });
});

test("the last true error is the client's, with that error's own words", async () => {
  await using last = await startUpstream(() => refuse(503, "the last one is busy", { "retry-after": "9" }));
  await withPool(
    () => refuse(429, "limited"),
    async (gateway) => {
      const response = await gateway.post("/v1/messages", ask);
      expect({
        status: response.status,
        after: response.headers.get("retry-after"),
        told: (await response.text()).includes("the last one is busy"),
        asked: ["slot", "backend", "attempts", "generation"].map((name) => response.headers.get(`x-broke-${name}`)),
      }).toEqual({ status: 503, after: "9", told: true, asked: ["sonnet", "backend-1", "5", "1"] });
      await gateway.reported(1);
      expect(gateway.reports).toMatchObject([{ status: 503, backend: "backend-1", attempts: 5 }]);
    },
    [{ dialect: "openai-chat", url: last.url }],
  );
});

test("counts, lists and health checks hold nothing against a key", async () => {
  await withPool(
    () => refuse(404),
    async (gateway) => {
      expect((await gateway.post("/v1/messages/count_tokens", ask)).status).toBe(200);
      expect((await gateway.get("/v1/models")).status).toBe(200);
      expect(gateway.health.all()).toEqual([]);
    },
  );
});

test("what is held is kept over a restart, and seen by every gateway of the home", async () => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { openState } = await import("#src/cli/compose.ts");
  const dir = mkdtempSync("/tmp/broke-health-");
  const attempt = { backend: { label: "b", model: "m" }, keyName: "K" } as never;
  const one = openState({ BROKE_HOME: dir });
  const two = openState({ BROKE_HOME: dir });
  expect(two.health.all()).toEqual([]);
  one.health.failed(attempt, { reason: "rate_limit", retryAfterMs: 30_000 });
  expect(two.health.all()).toEqual(one.health.all());
  expect(openState({ BROKE_HOME: dir }).health.all()).toEqual(one.health.all());
  rmSync(dir, { recursive: true });
});

test("an edit takes effect with the next request; one in flight keeps its backend", async () => {
  const gate = Promise.withResolvers<void>();
  await using first = await startUpstream(() => ({ ...say("from the first"), gate: gate.promise }));
  await using second = await startUpstream(() => say("from the second"));
  await using gateway = await startGateway([
    { dialect: "anthropic", url: first.url },
    { dialect: "openai-chat", url: second.url },
  ]);
  const inFlight = gateway.post("/v1/messages", ask);
  await first.until((seen) => seen.length === 1);
  gateway.edit((routing) => ({ ...routing, slots: { sonnet: "backend-1" }, fallbacks: emptyRouting.fallbacks }));
  const next = await gateway.post("/v1/messages", ask);
  gate.resolve();
  const [early, late] = [await inFlight, next];
  expect([await early.text(), await late.text()].map((text) => /from the \w+/.exec(text)?.[0])).toEqual([
    "from the first",
    "from the second",
  ]);
  expect([early, late].map((response) => response.headers.get("x-broke-generation"))).toEqual(["1", "2"]);
});
