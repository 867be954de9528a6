// `broke status`: yes (0) or no (1).

import type { Verb } from "../front.ts";
import { describeExposure } from "../exposing.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Say whether the gateway runs and answers",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { probeGateway } = await import("#src/gateway/daemon.ts");
    const { readOwner } = await import("#src/gateway/ownership.ts");
    const state = openState();
    const owner = readOwner(state.home);
    const { live, ready } = owner === undefined ? { live: false, ready: false } : await probeGateway(owner);
    const url = owner === undefined ? null : `http://127.0.0.1:${owner.port}`;
    const generation = state.generations.current().id;
    const { isFrozen } = await import("#src/state/freeze.ts");
    const frozen = isFrozen(state.db);
    const { describeState } = await import("../shared.ts");
    const kept = await describeState(state);
    const place = kept.at === null ? "" : `, state in ${kept.at}${kept.reachable ? "" : ", which cannot be reached"}`;
    const where = `${place}${frozen ? ", frozen" : ""}`;
    const health = live ? (ready ? "ready" : "not ready") : "does not answer";
    if (flags.has("json"))
      answerJson({
        running: owner !== undefined,
        url,
        pid: owner?.pid ?? null,
        live,
        ready,
        generation,
        frozen,
        state: kept,
        exposure: owner?.exposure ?? null,
      });
    else
      answer(
        owner === undefined
          ? `no gateway runs${where}; \`broke start\``
          : `${url}${describeExposure(owner)} (pid ${owner.pid}), ${health}, generation ${generation}${where}`,
      );
    return ready ? 0 : 1;
  },
};
