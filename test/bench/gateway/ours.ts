// Our gateway as its daemon runs it, over a home of its own, with one slot per upstream mode. Prints its port.
// Usage: ours.ts <home> <upstream url> <dialect>

import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { listen } from "#src/gateway/listen.ts";
import { tcpApp } from "#src/gateway/tcp-app.ts";
import { addBackend } from "#src/routing/edit.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { BENCH_TOKEN } from "./token.ts";

const [home, url, dialect] = process.argv.slice(2) as [string, string, Dialect];
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
        price: null,
      }),
    routing,
  );
  const slots = Object.fromEntries(Object.entries(modes).map(([slot, model]) => [slot, model]));
  return { ...added, slots };
});
const deps = { ...gatewayDeps(state), onReport: () => {} };
const listening = listen(
  tcpApp(deps, () => BENCH_TOKEN, "0.0.0"),
  { kind: "tcp", port: 0 },
);
process.stdout.write(`${listening.port}\n`);
