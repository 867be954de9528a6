// What lies on this machine is asked directly, whatever proxy the environment names; what lies outside goes by it.

import { expect, test } from "bun:test";
import { exemptLoopback } from "#src/cli/loopback.ts";
import { makeBench } from "#test/support/broke.ts";
import { done } from "#test/support/commands.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

test("a model on this machine answers beside a proxy that does not; one outside is asked by the proxy", async () => {
  await using upstream = await startUpstream(() => say("ok"));
  const asked: string[] = [];
  using proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      asked.push(new URL(request.url).pathname);
      return new Response("no way", { status: 403 });
    },
  });
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  const named = upstream.url.replace("127.0.0.1", "localhost");
  await done(bench, "backend add away --base-url http://model.invalid --dialect anthropic --model m");
  await done(bench, `backend add near --base-url ${named} --dialect anthropic --model m`);
  await done(bench, "swap opus=away haiku=near");
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: "example.org" };
  for (const slot of ["sonnet", "haiku"]) expect((await bench.broke(["probe", slot], { env })).code).toBe(0);
  expect(asked).toEqual([]);
  const away = await bench.broke(["probe", "opus"], { env });
  expect([away.code, asked.length > 0]).toEqual([1, true]);
});

test("what is exempt already stays so, in the spelling that counts", () => {
  const after = (env: Record<string, string>) => {
    exemptLoopback(env);
    return [env.no_proxy, env.NO_PROXY];
  };
  const all = "localhost,127.0.0.1,::1";
  expect(after({})).toEqual([undefined, undefined]);
  expect(after({ NO_PROXY: "a" })).toEqual([undefined, "a"]);
  expect(after({ HTTPS_PROXY: "p" })).toEqual([all, all]);
  expect(after({ all_proxy: "p", NO_PROXY: " a , localhost" })).toEqual([
    "a,localhost,127.0.0.1,::1",
    "a,localhost,127.0.0.1,::1",
  ]);
  expect(after({ http_proxy: "p", no_proxy: "b", NO_PROXY: "a" })).toEqual([`b,${all}`, `b,${all}`]);
  expect(after({ http_proxy: "p", no_proxy: "", NO_PROXY: "a" })).toEqual([`a,${all}`, `a,${all}`]);
  expect(after({ http_proxy: "p", NO_PROXY: "*" })).toEqual([undefined, "*"]);
});
