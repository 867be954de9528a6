// Our gateway as its daemon runs it, over a home of its own, with one slot per upstream mode. Prints its port.
// Usage: ours.ts <home> <upstream url> <dialect> [limited]: with every limit and a budget on, none of which is reached.

import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { watchLoad } from "#src/cli/provider-thread.ts";
import { listen } from "#src/gateway/listen.ts";
import { tcpApp } from "#src/gateway/tcp-app.ts";
import { addBackend } from "#src/routing/edit.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { BENCH_TOKEN } from "./token.ts";

const [home, url, dialect, limited] = process.argv.slice(2) as [string, string, Dialect, string?];
const MANY = 1_000_000_000;
const limits = { slots: null, rpm: MANY, tpm: MANY, concurrency: 10_000, dailyUsd: 1_000_000 };
/** The slots the load asks for, and what the upstream does with the model behind them. */
const modes = { sonnet: "json", opus: "burst", haiku: "paced" };

const state = openState({ BROKE_HOME: home, BENCH_KEY: "key-of-the-bench" });
state.generations.commit("bench", (routing) => {
  const added = Object.values(modes).reduce(
    (current, model) =>
      addBackend(current, {
        label: model,
        provider: null,
        baseUrl: url,
        dialect,
        model,
        keyEnv: "BENCH_KEY",
        price: { input: 0.001, output: 0.001, cached: null },
      }),
    routing,
  );
  const slots = Object.fromEntries(Object.entries(modes).map(([slot, model]) => [slot, model]));
  return { ...added, slots, ...(limited === undefined ? {} : { access: limits }) };
});
const load = watchLoad();
const deps = { ...gatewayDeps(state), onBegin: load.begin, onReport: load.end };
const listening = listen(
  tcpApp(deps, () => BENCH_TOKEN, "0.0.0"),
  { kind: "tcp", port: 0 },
);
await load.follow();
process.stdout.write(`${listening.port}\n`);
