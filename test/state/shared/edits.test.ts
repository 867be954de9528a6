// One source of truth for three homes: an edit made in any of them counts in all, at once, whatever becomes of the Redis that keeps it.

import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { makeBench } from "#test/support/broke.ts";
import { makeCertificate } from "#test/support/certificate.ts";
import { PASSWORD, startTlsRedis } from "#test/support/redis.ts";
import { clientToken, type Replicas, startReplicas } from "#test/support/replicas.ts";
import { refuse, say } from "#test/support/upstream/script.ts";

const generationAt = async ({ all }: Replicas, at: number) =>
  ((await (await fetch(`${all[at]!.url}/health/readiness`)).json()) as { generation: number }).generation;

const everywhere = async (all: Replicas, check: (at: number) => Promise<boolean>) => {
  for (const at of all.all.keys()) while (!(await check(at))) await Bun.sleep(2);
};

/** Starts a second Redis client that says when an edit was made, so that the time of a command's own start and end is not counted. */
async function editTimes(all: Replicas): Promise<{ times: number[]; stop(): void }> {
  const times: number[] = [];
  const client = new Bun.RedisClient(all.redis.url, { autoReconnect: false });
  client.onclose = () => {};
  await client.connect();
  await client.subscribe("{broke}:news", (message) => void (message === "book" && times.push(performance.now())));
  return { times, stop: () => client.close() };
}

test("an edit in any home is seen by every gateway within 100 ms, and by every command", async () => {
  await using all = await startReplicas(3);
  const { times, stop } = await editTimes(all);
  const seen: number[] = [];
  for (let round = 0; round < 6; round++) {
    const before = await generationAt(all, 0);
    const watching = all.all.map(async (_, at) => {
      while ((await generationAt(all, at)) === before) await Bun.sleep(1);
      seen.push(performance.now() - times.at(-1)!);
    });
    await Promise.all([all.broke(round % 3, "settings", `silence=${100 + round}`), ...watching]);
  }
  stop();
  expect(times.length).toBe(6);
  expect(Math.max(...seen)).toBeLessThan(100);
  const lists = await Promise.all([0, 1, 2].map((at) => all.broke(at, "settings", "--json")));
  expect(new Set(lists.map(({ stdout }) => stdout)).size).toBe(1);
});

test("a token revoked in one home is refused by all; one made in another is good at all", async () => {
  await using all = await startReplicas(3);
  const { token } = JSON.parse((await all.broke(2, "connect", "--profile=app", "--name=ci", "--json")).stdout);
  await everywhere(all, async (at) => (await all.status(at, { token })) === 200);
  await all.broke(1, "token", "revoke", "ci");
  await Bun.sleep(100);
  expect(await Promise.all([0, 1, 2].map((at) => all.status(at, { token })))).toEqual([401, 401, 401]);
  expect(await Promise.all([0, 1, 2].map((at) => all.status(at)))).toEqual([200, 200, 200]);
});

test("frozen in one home is frozen in all, for every kind of edit; revoking goes on", async () => {
  await using all = await startReplicas(2);
  await all.broke(0, "freeze", "on");
  const edits = [
    ["swap", "opus=up"],
    ["key-state", "set", "GROQ_API_KEY", "blocked"],
    ["connect", "--profile=app", "--name=more"],
    ["settings", "lossless=on"],
    ["sandbox", "set", "strict"],
  ];
  for (const words of edits) {
    const { code, stderr } = await all.all[1]!.bench.broke(words);
    expect([words[0], code, stderr]).toEqual([words[0], 4, expect.stringContaining("frozen")]);
  }
  await all.broke(1, "token", "revoke", "app");
  expect((await all.broke(1, "freeze")).stdout).toBe("not frozen\n");
  await all.broke(0, "swap", "opus=up");
});

test("four commands at once in four homes lose nothing", async () => {
  await using all = await startReplicas(4);
  const labels = Array.from({ length: 24 }, (_, at) => `edit-${at}`);
  const about = ["--base-url=http://127.0.0.1:1", "--dialect=anthropic", "--model=m"];
  await Promise.all(
    [0, 1, 2, 3].map(async (at) => {
      for (const label of labels.filter((_, which) => which % 4 === at))
        await all.broke(at, "backend", "add", label, ...about);
    }),
  );
  const list = (await all.broke(0, "backend", "list")).stdout;
  expect(labels.filter((label) => !new RegExp(`^${label} `, "m").test(list))).toEqual([]);
  await everywhere(all, async (at) => (await generationAt(all, at)) === 28);
});

describe("Redis lost", () => {
  test("edits are refused and change nothing; reading goes on; back without its data, the newest of every home is put back", async () => {
    await using all = await startReplicas(3);
    await all.broke(0, "token", "revoke", "app");
    await all.broke(1, "freeze", "on");
    await everywhere(all, async (at) => (await generationAt(all, at)) === 4);
    await all.redis.kill();
    const { bench } = all.all[0]!;
    const refused = await bench.broke(["freeze", "off"]);
    expect([refused.code, refused.stdout]).toEqual([3, ""]);
    expect(refused.stderr).toContain(all.redis.name);
    const list = await bench.broke(["list"]);
    expect([list.code, list.stderr]).toEqual([0, expect.stringContaining("what was last known is shown")]);
    await all.redis.start({ empty: true });
    // A home that never took part may be the first to ask.
    const swap = await bench.broke(["swap", "opus=up"]);
    expect([swap.code, swap.stderr]).toEqual([4, expect.stringContaining("frozen")]);
    await all.broke(2, "freeze", "off");
    await all.broke(2, "swap", "opus=up");
    await everywhere(all, async (at) => (await generationAt(all, at)) === 5);
    expect(await Promise.all([0, 1, 2].map((at) => all.status(at)))).toEqual([401, 401, 401]);
  });

  test("hanging, not lost: who has limits is answered within a second, who has none is served; back, nothing counts twice", async () => {
    await using all = await startReplicas(2, ["--rpm=4"]);
    expect(await all.status(0)).toBe(200);
    all.redis.signal("SIGSTOP");
    const started = performance.now();
    const statuses = await Promise.all([0, 1, 0, 1].map((at) => all.status(at)));
    expect(statuses).toEqual([503, 503, 503, 503]);
    expect(performance.now() - started).toBeLessThan(1_500);
    const fast = performance.now();
    expect(await all.status(0)).toBe(503);
    expect(performance.now() - fast).toBeLessThan(300);
    expect(await all.status(0, { token: clientToken(all.all[0]!.bench) })).toBe(200);
    const edit = await all.all[1]!.bench.broke(["swap", "opus=up"]);
    expect(edit.code).toBe(3);
    all.redis.signal("SIGCONT");
    const served: number[] = [];
    while (!served.includes(429)) {
      const status = await all.status(served.length % 2);
      if (status !== 503) served.push(status);
    }
    expect(served).toEqual([200, 200, 200, 429]);
  });

  test("as configured: limits open, or nobody served at all", async () => {
    const lenient = { env: { BROKE_STATE_LIMITS: "open" } };
    await using open = await startReplicas(1, ["--rpm=1"], lenient);
    expect([await open.status(0), await open.status(0)]).toEqual([200, 429]);
    await open.redis.kill();
    expect([await open.status(0), await open.status(0)]).toEqual([200, 200]);
    await using closed = await startReplicas(1, [], { env: { BROKE_STATE_HEALTH: "closed" } });
    expect(await closed.status(0)).toBe(200);
    await closed.redis.kill();
    const refused = await closed.ask(0);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});

test("what one gateway learns of keys and backends the others know; the operator's word too, over a loss of all data", async () => {
  await using all = await startReplicas(2, [], { script: () => refuse(401, "no such key") });
  const health = async (at: number) =>
    JSON.parse((await all.broke(at, "key-state", "--json")).stdout) as { states: { state: string; reason: string }[] };
  await all.status(0);
  const known = async (at: number) => JSON.stringify(await health(at)).includes("auth_failure");
  await everywhere(all, known);
  all.upstream.play(() => say("hi"));
  // The other gateway does not even ask.
  expect(await all.status(1)).toBe(502);
  await all.broke(1, "model-state", "set", "up", "blocked");
  await Bun.sleep(100);
  await all.redis.kill();
  await all.redis.start({ empty: true });
  await all.broke(1, "model-state", "set", "up", "healthy");
  await everywhere(all, async (at) => !JSON.stringify(await health(at)).includes("blocked"));
});

test("whose turn it was is known to all: two gateways in turn take the keys in turn", async () => {
  await using all = await startReplicas(2);
  const keyed = ["--base-url", all.upstream.url, "--dialect=anthropic", "--model=m", "--key-env=OWN_KEY"];
  await all.broke(0, "backend", "add", "keyed", ...keyed);
  await all.broke(0, "swap", "all=keyed");
  await all.broke(0, "key-policy", "OWN_KEY", "--mode=round_robin");
  await all.broke(0, "team", "save", "t");
  const keys = ["one", "two", "three"].map((value, at) => `OWN_KEY${at === 0 ? "" : `_${at + 1}`}=key-${value}\n`);
  for (const { bench } of all.all) writeFileSync(join(bench.home, ".env"), keys.join(""), { mode: 0o600 });
  await everywhere(all, async (at) => (await generationAt(all, at)) === 8);
  for (let at = 0; at < 6; at++) {
    expect(await all.status(at % 2)).toBe(200);
    await Bun.sleep(60);
  }
  expect(all.upstream.asked().map(({ headers }) => headers["x-api-key"])).toEqual(
    [0, 1, 2, 3, 4, 5].map((at) => `key-${["one", "two", "three"][at % 3]}`),
  );
});

test("what is in Redis holds no key and no token; what is printed holds no password", async () => {
  await using all = await startReplicas(1);
  const { bench } = all.all[0]!;
  const key = "gsk_the-secret-key-of-the-provider";
  writeFileSync(join(bench.home, ".env"), `GROQ_API_KEY=${key}\nBROKE_STATE=${all.redis.url}\n`, { mode: 0o600 });
  // The file says it as well as the environment.
  const env = { BROKE_STATE: "" };
  const said = [
    await bench.broke(["status", "--json"], { env }),
    await bench.broke(["doctor"], { env }),
    await bench.broke(["swap", "opus=up"], { env }),
    await bench.broke(["export"], { env }),
  ];
  await all.status(0);
  const keys = (await all.redis.ask("KEYS", "*")) as string[];
  const dumps = await Promise.all(keys.map(async (name) => String(await all.redis.ask("DUMP", name))));
  const kept = JSON.stringify([keys, dumps]);
  await all.redis.kill();
  said.push(await bench.broke(["swap", "opus=up"], { env }), await bench.broke(["doctor"], { env }));
  said.push(await bench.broke(["list"], { env: { BROKE_STATE: `http://:${PASSWORD}@127.0.0.1:1/` } }));
  expect(said.at(-1)!.code).toBe(3);
  const files = readdirSync(bench.home).filter((name) => /db|log/.test(name));
  const printed = JSON.stringify(said) + files.map((name) => readFileSync(join(bench.home, name), "latin1")).join("");
  expect([kept.includes(key), kept.includes(all.token), printed.includes(PASSWORD)]).toEqual([false, false, false]);
  expect(kept).toContain("{broke}:book");
});

test("over TLS: a certificate that is trusted and names the host, and no other", async () => {
  await using redis = await startTlsRedis(
    makeCertificate(generateKeyPairSync("rsa", { modulusLength: 2048 }), "localhost"),
  );
  using bench = makeBench();
  const at = async (host: string, env: Record<string, string>) => {
    const url = `rediss://:${PASSWORD}@${host}:${redis.port}/0`;
    const { stdout } = await bench.broke(["status", "--json"], { env: { ...env, BROKE_STATE: url } });
    return (JSON.parse(stdout) as { state: { reachable: boolean } }).state.reachable;
  };
  const trusted = { NODE_EXTRA_CA_CERTS: redis.ca };
  expect([await at("localhost", trusted), await at("localhost", {}), await at("127.0.0.1", trusted)]).toEqual([
    ...[true, false, false],
  ]);
});

test("a home that had a routing of its own takes the shared one, and keeps its own as a snapshot", async () => {
  await using all = await startReplicas(1);
  const { bench } = all.all[0]!;
  const alone = { BROKE_STATE: "sqlite", BROKE_HOME: join(bench.home, "..", "other") };
  const about = ["--base-url=http://127.0.0.1:1", "--dialect=anthropic", "--model=m"];
  for (let at = 0; at < 9; at++) await bench.broke(["backend", "add", `own-${at}`, ...about], { env: alone });
  const env = { ...alone, BROKE_STATE: all.redis.url };
  const list = await bench.broke(["backend", "list"], { env });
  expect([list.stdout.includes("own-0"), list.stdout.includes("up")]).toEqual([false, true]);
  await bench.broke(["swap", "opus=up"], { env });
  expect(await generationAt(all, 0)).toBe(5);
  const { snapshots } = openState({ BROKE_HOME: alone.BROKE_HOME });
  expect(Object.keys(snapshots.find("0").routing.backends).length).toBe(9);
});
