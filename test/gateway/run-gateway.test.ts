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
