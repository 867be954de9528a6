// Views of what was asked, through the real launcher and a gateway of its own; none of them asks a provider but `probe`.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { done, json, refused } from "#test/support/commands.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say } from "#test/support/upstream/script.ts";

test("probe asks once; the others tell of it and ask nobody", async () => {
  await using upstream = await startUpstream(() => ({ ...say("ok"), tokens: { input: 21, output: 2 } }));
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  expect(await done(bench, "active-model", "metrics")).toEqual(["nothing was asked yet\n", "nothing was asked\n"]);
  expect(await json(bench, "probe sonnet")).toMatchObject({
    ...{ ok: true, status: 200, backend: "scripted", model: "m", answered: "m", inputTokens: 21, said: "ok" },
    tried: [{ backend: "scripted", key: null, status: 200, reason: null }],
  });
  const asked = upstream.seen.length;
  expect(upstream.asked().length).toBe(1);
  const [last, metrics] = await done(bench, "active-model", "metrics");
  expect(last).toMatch(/^\d{4}-.*Z {2}200 {2}sonnet {2}scripted \(m\) {2}\d+ ms\n$/);
  expect(metrics).toContain("21+2");
  await done(bench, "route sonnet", "explain sonnet", "list", "validate", "key-state");
  expect(upstream.seen.length).toBe(asked);
});

test("a probe of what fails is one attempt, and says why", async () => {
  await using upstream = await startUpstream(() => refuse(503, "down today"));
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  await done(bench, "backend add second --base-url http://127.0.0.1:9 --dialect anthropic --model m");
  await done(bench, "fallback sonnet second");
  const ran = await bench.broke(["probe", "sonnet"]);
  expect([ran.code, ran.stdout]).toEqual([1, expect.stringContaining("down today") as string]);
  expect(upstream.asked().length).toBe(1);
  const [one] = await json(bench, "metrics");
  expect(one).toMatchObject({ backend: "scripted", answered: 0, failures: { upstream_error: 1 } });
  expect((await bench.broke(["probe", "nothing"])).code).toBe(1);
});

test("the gateway in the background writes the log, and metrics --raw is what Prometheus reads", async () => {
  await using upstream = await startUpstream(() => say("hi"));
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  expect(await bench.broke(["metrics", "--raw"])).toEqual(refused(3, "no gateway runs", "`broke start` starts it"));
  const [started] = await done(bench, "start --port 0");
  try {
    const url = /http:\S+/.exec(started!)![0];
    const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: "opus", messages: [{ role: "user", content: "hi" }] });
    expect((await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body })).status).toBe(200);
    const [raw] = await done(bench, "metrics --raw");
    expect(raw).toContain('broke_requests_total{profile="none",slot="opus",backend="scripted",status="200"} 1');
    for (;;) {
      const rows = await json(bench, "active-model --lines 5");
      if (rows.length === 0) continue;
      expect(rows).toMatchObject([{ slot: "opus", backend: "scripted", status: 200 }]);
      break;
    }
  } finally {
    await done(bench, "stop");
  }
  expect(await bench.broke(["active-model", "--lines", "x"])).toEqual(refused(2, "--lines is a whole number"));
});
