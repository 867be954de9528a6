// The gateway in this process, on a real port, over a real BROKE_HOME, with backends of the test's choice.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "#src/core/clock.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { listen } from "#src/gateway/listen.ts";
import type { RequestReport, Timing } from "#src/gateway/ports.ts";
import { tcpApp } from "#src/gateway/tcp-app.ts";
import { openAccess } from "#src/routing/access.ts";
import { addBackend } from "#src/routing/edit.ts";
import type { Routing } from "#src/routing/generation.ts";
import type { HealthStore } from "#src/state/health.ts";
import type { TokenStore } from "#src/state/tokens.ts";

export const TOKEN = "test-token-of-the-gateway";

export type BackendSpec = { dialect: Dialect; url: string; keyEnv?: string; model?: string };

/** What a test has otherwise: shorter waits, settings. */
export type GatewayOptions = {
  timing?: Partial<Timing>;
  settings?: Partial<Pick<Routing, "lossless" | "silenceMs">>;
  clock?: Clock;
};

export type TestGateway = AsyncDisposable & {
  url: string;
  reports: RequestReport[];
  health: HealthStore;
  tokens: TokenStore;
  /** BROKE_HOME. */
  home: string;
  /** Changes the routing as a command would. */
  edit(change: (routing: Routing) => Routing): void;
  /** Replaces the keys in its file. */
  setKeys(keys: Record<string, string>): void;
  /** POSTs JSON (or text as it is) with the token. */
  post(
    path: string,
    body: unknown,
    init?: { headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Ends when so many requests have been reported. */
  reported(count: number): Promise<void>;
};

/** Sets a slot's backend, and who follows it. */
export function letAnswer(routing: Routing, slot: string, label: string, ...fallbacks: string[]): Routing {
  const direct = { ...routing.fallbacks.direct, [slot]: fallbacks };
  if (fallbacks.length === 0) delete direct[slot];
  return {
    ...routing,
    slots: { ...routing.slots, [slot]: label },
    fallbacks: { ...routing.fallbacks, direct },
  };
}

/** A profile of that name, which may ask for whatever the live routing answers. */
export function withProfileOfAll(routing: Routing, name: string): Routing {
  const { slots, fallbacks } = routing;
  return {
    ...routing,
    teams: { ...routing.teams, all: { mode: "cli", slots, fallbacks, access: openAccess } },
    profiles: { ...routing.profiles, [name]: { team: "all", description: "", access: openAccess } },
  };
}

/** Starts one whose slot `sonnet` has these backends, in order; keys go to BROKE_HOME/.env. */
export async function startGateway(
  backends: BackendSpec[],
  keys: Record<string, string> = {},
  { timing = {}, settings = {}, clock }: GatewayOptions = {},
): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), "broke-gateway-"));
  const state = openState({ BROKE_HOME: dir });
  const setKeys = (now: Record<string, string>) => {
    const lines = Object.entries(now).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(dir, ".env.new"), lines.join(""), { mode: 0o600 });
    renameSync(join(dir, ".env.new"), join(dir, ".env"));
  };
  setKeys(keys);
  const labels = backends.map((_, index) => `backend-${index}`);
  state.generations.commit("test", (routing) => {
    const added = backends.reduce(
      (current, { dialect, url, keyEnv, model }, index) =>
        addBackend(current, {
          label: labels[index]!,
          provider: null,
          baseUrl: url,
          dialect,
          model: model ?? `model-${index}`,
          keyEnv: keyEnv ?? null,
          price: null,
        }),
      { ...routing, ...settings },
    );
    const [first, ...rest] = labels;
    return first === undefined ? added : letAnswer(added, "sonnet", first, ...rest);
  });
  const reports: RequestReport[] = [];
  const usual = gatewayDeps(state);
  const deps = {
    ...usual,
    clock: clock ?? usual.clock,
    timing: { ...usual.timing, ...timing },
    onReport: (report: RequestReport) => void reports.push(report),
  };
  const listening = listen(
    tcpApp(deps, () => TOKEN, "0.0.0"),
    { kind: "tcp", port: 0 },
  );
  const url = `http://127.0.0.1:${listening.port}`;
  const auth = { authorization: `Bearer ${TOKEN}` };
  return {
    url,
    reports,
    health: state.health,
    tokens: state.tokens,
    home: dir,
    edit: (change) => void state.generations.commit("test", change),
    setKeys,
    post: (path, body, init = {}) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...auth, ...init.headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      }),
    get: (path, headers = {}) => fetch(url + path, { headers: { ...auth, ...headers } }),
    async reported(count) {
      while (reports.length < count) await Bun.sleep(1);
    },
    async [Symbol.asyncDispose]() {
      await listening.stop(false);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Another gateway over the same BROKE_HOME, with its own connection to what is stored. */
export function serveTwin(home: string): AsyncDisposable & { url: string } {
  const deps = { ...gatewayDeps(openState({ BROKE_HOME: home })), onReport: () => {} };
  const listening = listen(
    tcpApp(deps, () => TOKEN, "0.0.0"),
    { kind: "tcp", port: 0 },
  );
  return {
    url: `http://127.0.0.1:${listening.port}`,
    [Symbol.asyncDispose]: () => listening.stop(false),
  };
}
