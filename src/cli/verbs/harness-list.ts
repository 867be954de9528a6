// `broke harness list`: the runs, newest first.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the runs, newest first",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { isoTime } = await import("#src/core/clock.ts");
    const runs = openState().runs.list();
    if (flags.has("json")) answerJson(runs);
    else if (runs.length === 0) answer("no runs yet");
    else {
      const rows = runs.map((run) => [
        run.id,
        isoTime(run.createdMs),
        run.client,
        run.profile,
        run.status,
        run.verdict ?? "-",
      ]);
      answer(table([["RUN", "STARTED", "CLIENT", "SANDBOX", "STATUS", "VERDICT"], ...rows]));
    }
    return 0;
  },
};
