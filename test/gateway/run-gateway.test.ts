// The gateway of one run: on a Unix socket, for the holder of the run's nonce, until the run is over.

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayDeps, openState, type State } from "#src/cli/compose.ts";
import { serveRun } from "#src/gateway/run-gateway.ts";
import type { RequestReport } from "#src/gateway/ports.ts";
import { addBackend, swapSlots } from "#src/routing/edit.ts";
import { withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, type Script } from "#test/support/upstream/script.ts";

const NONCE = "brokerun_of-this-test";

async function withRun(
  script: Script,
  use: (
    ask: (path: string, body?: object, token?: string, more?: Record<string, string>) => Promise<Response>,
    stop: () => Promise<void>,
    reports: RequestReport[],
    state: State,
  ) => Promise<void>,
  admit?: () => (() => void) | undefined,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "broke-run-gateway-"));
  await using upstream = await startUpstream(script);
  const state = openState({ BROKE_HOME: join(dir, "home") });
  state.generations.commit("test", (routing) =>
    swapSlots(
      addBackend(routing, {
        label: "up",
        provider: null,
        baseUrl: upstream.url,
        dialect: "anthropic",
        model: "m",
        keyEnv: null,
        price: null,
      }),
      [{ slot: "sonnet", label: "up" }],
    ),
  );
  const socketPath = join(dir, "gateway.sock");
  const reports: RequestReport[] = [];
  const served = serveRun(gatewayDeps(state), {
    socketPath,
    token: NONCE,
    run: "run_of-this-test",
    onRequest: (report) => void reports.push(report),
    ...(admit === undefined ? {} : { admit }),
  });
  const ask = (path: string, body?: object, token = NONCE, more: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1${path}`, {
      unix: socketPath,
      timeout: false,
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  try {
    await use(ask, () => served.stop(), reports, state);
  } finally {
    await served.stop();
    rmSync(dir, { recursive: true, force: true });
    expect(existsSync(socketPath)).toBe(false);
  }
}

const message = { model: "sonnet", max_tokens: 5, messages: [{ role: "user", content: "x" }] };

test("serves the nonce's holder the models, and nobody anything else", async () => {
  await withRun(
    () => say("hi"),
    async (ask, _stop, reports) => {
      expect(await (await ask("/v1/messages", message)).text()).toContain("hi");
      expect((await ask("/v1/messages", message, "another")).status).toBe(401);
      for (const path of ["/swagger", "/swagger/json", "/health/readiness", "/v1"])
        expect((await ask(path)).status).toBe(404);
      expect(reports.map(({ slot, backend, status }) => ({ slot, backend, status }))).toEqual([
        { slot: "sonnet", backend: "up", status: 200 },
      ]);
    },
  );
});

test("once the run is over the nonce is worth nothing, and what was open is cut", async () => {
  await withRun(
    () => ({ ...say("one two"), pause: { after: 3, until: new Promise(() => {}) } }),
    async (ask, stop, reports) => {
      const response = await ask("/v1/messages", { ...message, stream: true });
      const reader = response.body!.getReader();
      await reader.read();
      await stop();
      const rest = (async () => {
        while (!(await reader.read()).done);
      })();
      expect(
        await rest.then(
          () => "ended",
          () => "cut",
        ),
      ).toBe("cut");
      expect(ask("/v1/models")).rejects.toThrow();
      while (reports.length === 0) await Bun.sleep(1);
      expect(reports).toMatchObject([{ status: 499, aborted: true }]);
    },
  );
});

test("a model that is silent for longer than the server's own idle limit is waited for", async () => {
  await withRun(
    () => ({ ...say("at last"), delayMs: 13_000 }), // the limit is 10 s, found at 12
    async (ask) => {
      expect(await (await ask("/v1/messages", message)).text()).toContain("at last");
    },
  );
});

test("its requests are the run's in the log; it chooses no profile, and no token of others' lets in", async () => {
  await withRun(
    () => say("hi"),
    async (ask, stop, _reports, state) => {
      state.generations.commit("test", (routing) => withProfileOfAll(routing, "app"));
      const { token } = state.tokens.issue({ name: null, profile: "app", token: null, expiresMs: null });
      expect((await ask("/v1/messages", message, token)).status).toBe(401);
      const chosen = await ask("/v1/messages", message, NONCE, { "x-broke-profile": "app" });
      expect([chosen.status, await chosen.text()]).toEqual([401, expect.stringContaining("mismatch") as string]);
      expect((await ask("/v1/messages", message)).status).toBe(200);
      expect((await ask("/metrics")).status).toBe(404);
      await stop();
      expect(state.requests.last(9).map(({ run, profile, status }) => [run, profile, status])).toEqual([
        ["run_of-this-test", null, 200],
      ]);
    },
  );
});

test("what its budget has no room for is refused before anybody is asked; a place is given back at each end, before it is told", async () => {
  let open = 0;
  const places: number[] = [];
  const admit = () => {
    if (open === 1) return undefined;
    open += 1;
    return () => void (open -= 1);
  };
  const wait = Promise.withResolvers<void>();
  const script: Script = async () => {
    places.push(open);
    await wait.promise;
    return say("hi");
  };
  await withRun(
    script,
    async (ask, _stop, reports) => {
      const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
      const first = ask("/v1/messages", body);
      while (places.length === 0) await Bun.sleep(1);
      const second = await ask("/v1/messages", body);
      expect([second.status, await second.json()]).toMatchObject([
        403,
        { error: { message: expect.stringContaining("the run's budget is spent") } },
      ]);
      expect((await ask("/v1/models")).status).toBe(200);
      wait.resolve();
      expect((await first).status).toBe(200);
      expect([open, (await ask("/v1/messages", { ...body, model: "nobody" })).status, open]).toEqual([0, 404, 0]);
      expect([places, reports.map(({ status, attempts }) => [status, attempts])]).toEqual([
        [1],
        [
          [403, 0],
          [200, 1],
          [404, 0],
        ],
      ]);
    },
    admit,
  );
});
