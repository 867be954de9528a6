// `broke harness reconcile`: closes what crashed.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Close runs whose supervisor is gone as abandoned",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { reconcileRuns } = await import("#harness/reconcile.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const { systemClock } = await import("#src/core/clock.ts");
    const { openAudit } = await import("#harness/audit.ts");
    const state = openState();
    const keys = signingKeys(state.home);
    const results = reconcileRuns({
      home: state.home,
      runs: state.runs,
      audit: openAudit({ file: state.home.audit, heads: state.heads, keys, clock: systemClock }),
      keys,
      clock: systemClock,
    });
    if (flags.has("json")) answerJson(results);
    else if (results.length === 0) answer("nothing to reconcile");
    else {
      for (const { runId, outcome, kept } of results)
        answer(`${runId}: ${outcome}${kept === undefined ? "" : `, its work is kept: broke harness land ${runId}`}`);
    }
    return results.some((result) => result.outcome === "tampered") ? 1 : 0;
  },
};
