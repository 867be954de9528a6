// `broke key-state`: what is held against keys and backends now. Keys by the name of their variable, never a value.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List what is held against keys and backends",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { describeHealth } = await import("#src/observe/health.ts");
    const { isoTime, systemClock } = await import("#src/core/clock.ts");
    const views = describeHealth(openState().health.all(), systemClock());
    if (flags.has("json")) answerJson(views);
    else if (views.length === 0) answer("nothing");
    else {
      const rows = views.map(({ subject, state, reason, strikes, untilMs }) => [
        subject,
        state,
        reason,
        String(strikes),
        untilMs === null ? "until lifted" : isoTime(untilMs),
      ]);
      answer(table([["SUBJECT", "STATE", "REASON", "FAILURES", "UNTIL"], ...rows]));
    }
    return 0;
  },
};
