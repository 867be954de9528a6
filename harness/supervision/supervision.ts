// The operator's door to one run, open from its registration to its last record: whatever client of it runs at the moment, or none.

import type { Json } from "#src/core/json.ts";
import type { Home } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { openControl } from "./control.ts";
import type { Operated } from "./operate.ts";
import { makeOutputTap, type OutputTap } from "./output.ts";
import { controlSocket, type Reply, type Request } from "./wire.ts";

export type Supervision = Disposable & {
  output: OutputTap;
  /** From now until it is disposed of, words are this client's. */
  during(client: Operated): Disposable;
  /** Whether the operator wants the run to end. */
  killed(): boolean;
  /** Told when they first say so while no client runs. */
  onKilled(act: () => void): void;
};

/** So many are recorded. */
const MAX_REFUSED = 100;

/** Opens it. */
export function openSupervision(
  { home, runs }: { home: Pick<Home, "live">; runs: Pick<RunStore, "get"> },
  runId: string,
  record: (event: string, data: Record<string, Json>) => void,
): Supervision {
  const output = makeOutputTap();
  let client: Operated | undefined;
  let killed = false;
  let refused = 0;
  let onKilled = () => {};
  const alone = (request: Request): Reply => {
    const status = runs.get(runId)?.status ?? "abandoned";
    if (request !== "kill" && request !== "attach" && request !== "reattach")
      return { ok: false, reason: "no client of the run is running at the moment" };
    if (request === "kill") {
      const changed = !killed;
      killed = true;
      record("operator.killed", { changed, frozen: false });
      if (changed) onKilled();
      return { ok: true, status, changed, terminal: false };
    }
    record(`operator.${request}ed`, { client: false });
    return { ok: true, status, changed: false, terminal: false };
  };
  const control = openControl({
    ...{ path: controlSocket(home, runId), output },
    act: async (request) => (client === undefined ? alone(request) : client.act(request)),
    onRefused(reason) {
      refused += 1;
      if (refused <= MAX_REFUSED) record("operator.refused", { reason });
    },
    onDetached: (reason) => record("operator.detached", { reason }),
  });
  return {
    output,
    during(running) {
      client = running;
      return {
        [Symbol.dispose]() {
          killed ||= running.killed();
          client = undefined;
        },
      };
    },
    killed: () => killed || (client?.killed() ?? false),
    onKilled: (act) => void (onKilled = act),
    [Symbol.dispose]: () => control[Symbol.dispose](),
  };
}
