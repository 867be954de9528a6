// `broke harness events <run>`: the ledger as it is, once or as it grows.

import type { Verb } from "../front.ts";
import { answer, answerJsonLine } from "../output.ts";

export const verb: Verb = {
  description: "Print a run's ledger, one record a line",
  args: {
    run: { type: "positional", description: "run id" },
    follow: { type: "boolean", description: "go on printing until the run ends" },
    json: { type: "boolean", description: "print the records as JSON lines" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { eventLine, followLedger } = await import("#harness/view.ts");
    const state = openState();
    for await (const record of followLedger(state.home, state.runs, values.run![0]!, flags.has("follow"))) {
      if (flags.has("json")) answerJsonLine(record);
      else answer(eventLine(record));
    }
    return 0;
  },
};
