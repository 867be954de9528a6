// A budget where nobody said what a backend charges: it is not asked, unless it is said what it is to be charged. Through commands and HTTP.

import { expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import { question } from "#test/support/asks.ts";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

type World = AsyncDisposable & {
  bench: Bench;
  upstream: Upstream;
  ask(profile: string, path?: string, body?: object): Promise<Response>;
};

/** One backend without a price answers everything; profiles of the team `t` are made by the caller. */
async function world(): Promise<World> {
  const bench = makeBench();
  const upstream = await startUpstream(() => ({ ...say("hi"), tokens: { input: 10, output: 30 } }));
  await bench.answerFrom(upstream.url);
  await bench.broke(["team", "save", "t"]);
  await bench.broke(["start", "--port=0"]);
  const connected = JSON.parse((await bench.broke(["connect", "--json"])).stdout) as { url: string; token: string };
  return {
    ...{ bench, upstream },
    ask: (profile, path = question.anthropic(false).path, body = question.anthropic(false).body) =>
      fetch(connected.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${connected.token}`, "x-broke-profile": profile },
        body: JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await bench.broke(["stop"]);
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    },
  };
}

test("without a word it is not asked, by any dialect; `route` and `/v1/models` say the same", async () => {
  await using all = await world();
  await all.bench.broke(["profile", "new", "app", "t", "--daily-usd=1"]);
  for (const dialect of dialects) {
    const { path, body } = question[dialect](false);
    const refused = await all.ask("app", path, body);
    const { status, headers } = refused;
    expect({ dialect, status, retry: headers.get("x-should-retry") }).toEqual({ dialect, status: 403, retry: "false" });
    expect(await refused.text()).toContain("cannot be served under a budget");
  }
  const route = await all.bench.broke(["route", "sonnet", "--profile=app", "--json"]);
  expect(JSON.parse(route.stdout)).toMatchObject({ kind: "refused", reason: "no_price" });
  expect(all.upstream.asked().length).toBe(0);
  // Who has no budget is not concerned.
  await all.bench.broke(["profile", "new", "rich", "t"]);
  expect((await all.ask("rich")).status).toBe(200);
});

test("a fallback with a price takes its place, and `route` foretells it", async () => {
  await using all = await world();
  const about = ["--base-url", all.upstream.url, "--dialect=anthropic", "--model=priced"];
  await all.bench.broke(["backend", "add", "priced", ...about, "--price-input=1", "--price-output=1"]);
  await all.bench.broke(["fallback", "sonnet", "priced"]);
  await all.bench.broke(["team", "save", "t"]);
  await all.bench.broke(["profile", "new", "app", "t", "--replace", "--daily-usd=1"]);
  const route = JSON.parse((await all.bench.broke(["route", "sonnet", "--profile=app", "--json"])).stdout);
  expect(route).toMatchObject({
    attempts: [{ backend: "priced" }],
    skipped: [{ label: "scripted", why: "it has no price, and there is a budget to keep" }],
  });
  const answer = await all.ask("app");
  expect([answer.status, answer.headers.get("x-broke-backend")]).toEqual([200, "priced"]);
  expect(all.upstream.asked().map(({ model }) => model)).toEqual(["priced"]);
});

test("said to be free it costs nothing; said what to charge, the budget binds by that", async () => {
  await using all = await world();
  await all.bench.broke(["profile", "new", "free", "t", "--daily-usd=0.01", "--unpriced=free"]);
  for (let at = 0; at < 3; at++) expect((await all.ask("free")).status).toBe(200);
  // 40 tokens are $0.04.
  await all.bench.broke(["profile", "new", "charged", "t", "--daily-usd=0.2", "--unpriced=1000"]);
  const statuses = [];
  for (let at = 0; at < 4; at++) statuses.push((await all.ask("charged")).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect((await all.bench.broke(["profile", "list"])).stdout).toContain("$0.2/day; unpriced charged $1000/M tokens");
});

test("a profile cannot loosen what its team says", async () => {
  await using all = await world();
  await all.bench.broke(["team", "access", "t", "--daily-usd=5"]);
  for (const words of [
    ["--unpriced=free"],
    ["--daily-usd=9", "--unpriced=free"],
    ["--daily-usd=1", "--unpriced=0.001"],
  ]) {
    expect((await all.bench.broke(["profile", "new", "app", "t", "--replace", ...words])).code).toBe(0);
    expect([words, (await all.ask("app")).status]).toEqual([words, 403]);
  }
  await all.bench.broke(["team", "access", "t", "--unpriced=900000"]);
  await all.bench.broke(["profile", "new", "app", "t", "--replace", "--daily-usd=5", "--unpriced=free"]);
  // The dearer of both: this request alone is more than the budget.
  const refused = await all.ask("app");
  expect([refused.status, await refused.text()]).toEqual([429, expect.stringContaining("this request alone")]);
  expect(all.upstream.asked().length).toBe(0);
  expect((await all.bench.broke(["team", "access", "t", "--unpriced=cheap"])).code).toBe(2);
});
