// `broke dashboard` as it is served: who gets in, what is refused, and what its buttons do to a real run; in a real browser at the end.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { render } from "#test/support/browser.ts";
import type { Snapshot } from "#src/dashboard/snapshot.ts";
import { start } from "#test/support/going.ts";
import { readFrom } from "#test/support/reading.ts";

/** The server, and a session in it. */
async function serve(bench: Bench) {
  const child = Bun.spawn([LAUNCHER, "dashboard", "--port", "0"], {
    ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "ignore"] },
  });
  const out = readFrom(child.stdout);
  await out.until("\n");
  const address = new URL(out.text().trim());
  const { origin } = address;
  return {
    ...{ address: address.href, origin, host: address.host },
    async enter(): Promise<Record<string, string>> {
      const answer = await fetch(address, { redirect: "manual" });
      const cookie = answer.headers.get("set-cookie")!;
      expect({ status: answer.status, cookie: /HttpOnly; SameSite=Strict; Path=\/$/.test(cookie) }).toEqual({
        status: 303,
        cookie: true,
      });
      return { cookie: cookie.split(";")[0]! };
    },
    act: (run: string, body: unknown, headers: Record<string, string>) =>
      fetch(`${origin}/api/runs/${run}/act`, {
        method: "POST",
        headers: { origin, "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

test("a port that is taken is said, and how to choose another", async () => {
  using bench = makeBench();
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(await bench.broke(["dashboard", "--port", String(server.port)])).toEqual({
    code: 3,
    stdout: "",
    stderr: `broke: port ${server.port} on 127.0.0.1 is taken\nbroke: stop what holds it, or choose another with --port\n`,
  });
  server.stop(true);
});

describe("who does not get in", () => {
  test("no session, a used address, another host, another origin", async () => {
    using bench = makeBench();
    await using server = await serve(bench);
    const session = await server.enter();
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(server.origin + path, { headers, redirect: "manual" })).status;
    expect(await status("/")).toBe(401);
    expect(await status("/api/snapshot")).toBe(401);
    expect(await status("/page.js")).toBe(401);
    expect((await fetch(server.address, { redirect: "manual" })).status).toBe(401);
    expect(await status("/", { cookie: "broke-dashboard=guess" })).toBe(401);
    expect(await status("/api/snapshot", session)).toBe(200);
    expect(await status("/api/snapshot", { ...session, host: "evil.example" })).toBe(403);
    expect(await status("/api/snapshot", { ...session, host: `${server.host}.evil.example` })).toBe(403);
    expect(await status("/api/snapshot", { ...session, origin: "http://evil.example" })).toBe(403);
    expect(await status("/nothing", session)).toBe(404);
  });

  test("an action from another page, of another kind, unconfirmed, or with a path for an id changes nothing", async () => {
    using bench = makeBench();
    await using run = await start(bench, "sleep 60");
    await using server = await serve(bench);
    const session = await server.enter();
    const before = readdirSync(bench.home, { recursive: true }).length;
    const tries: [number, Promise<Response>][] = [
      [401, server.act(run.id, { act: "kill", confirm: run.id }, {})],
      [403, server.act(run.id, { act: "kill", confirm: run.id }, { ...session, origin: "null" })],
      [403, server.act(run.id, { act: "interrupt" }, { ...session, origin: "http://127.0.0.1:1" })],
      [400, server.act(run.id, { act: "interrupt" }, { ...session, "content-type": "text/plain" })],
      [400, server.act(run.id, { act: "kill" }, session)],
      [400, server.act(run.id, { act: "clear", confirm: "yes" }, session)],
      [400, server.act(run.id, { act: "land" }, session)],
      [400, server.act(run.id, "[", session)],
      [400, server.act(run.id, "x".repeat(4096), session)],
      [404, server.act("..%2f..%2fetc", { act: "interrupt" }, session)],
      [404, server.act("run_1_00000000", { act: "interrupt" }, session)],
    ];
    for (const [status, answer] of tries) expect((await answer).status).toBe(status);
    const bare = await fetch(`${server.origin}/api/runs/${run.id}/act`, {
      ...{ method: "POST", body: '{"act":"interrupt"}' },
      headers: { ...session, "content-type": "application/json" },
    });
    expect(bare.status).toBe(403);
    expect(run.events().some(({ event }) => event.startsWith("operator."))).toBe(false);
    expect(readdirSync(bench.home, { recursive: true }).length).toBe(before);
    expect(existsSync(join(bench.workspace, "etc"))).toBe(false);
    await run.say("kill");
    await run.exited;
  });
});

test("its buttons do to a run what the commands do, and the page's content follows", async () => {
  using bench = makeBench();
  await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
  await using run = await start(bench, "while :; do sleep 0.1; done", {
    flags: ["--policy", "throughput", "--workspace", "direct"],
  });
  await using server = await serve(bench);
  const session = await server.enter();
  const shown = async () => {
    const answer = await fetch(`${server.origin}/api/snapshot`, { headers: session });
    const { runs, summary, slots } = (await answer.json()) as Snapshot;
    return { state: runs[0]!.state, summary, slots, lines: runs[0]!.lines.length > 0 };
  };
  const until = async (state: string) => {
    while ((await shown()).state !== state) await Bun.sleep(20);
    return shown();
  };
  expect((await until("Running")).slots).toEqual([
    { slot: "sonnet", backend: null, kind: "refused", why: expect.stringContaining("OPENROUTER_API_KEY is not set") },
  ]);
  expect(await (await server.act(run.id, { act: "force-verify" }, session)).json()).toMatchObject({ changed: true });
  expect(await until("Paused for proof")).toMatchObject({
    summary: { active: 1, blocked: 1, attention: 1, stale: 0 },
    lines: true,
  });
  await server.act(run.id, { act: "clear", confirm: run.id }, session);
  await until("Running");
  await server.act(run.id, { act: "interrupt" }, session);
  await until("Interrupted");
  await server.act(run.id, { act: "kill", confirm: run.id }, session);
  await run.exited;
  expect((await server.act(run.id, { act: "interrupt" }, session)).status).toBe(404);
});

test("a browser shows runs and slots; what a run wrote is text", async () => {
  using bench = makeBench();
  await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
  const words = ["harness", "run", "--client", "exec", "--", "sh", "-c", "true '<img src=x onerror=document.title=1>'"];
  expect((await bench.broke(words)).code).toBe(0);
  await using server = await serve(bench);
  const dom = await render(server.address);
  expect(dom).toContain("ACCEPT · exec in strict");
  expect(dom).toContain("no gateway runs");
  expect(dom).toContain("&lt;img src=x onerror=document.title=1&gt;");
  expect(dom).toContain("<title>broke</title>");
  expect(dom).toMatch(/<tr class="refused"><td>sonnet<\/td>/);
});
