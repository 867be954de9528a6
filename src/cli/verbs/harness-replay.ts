// `broke harness replay <run>`: what happened in a run, told from its artifacts alone.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Tell what happened in a run, from its artifacts alone",
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { narrate, readNarrative } = await import("#harness/evidence/replay.ts");
    const { runPaths } = await import("#src/state/paths.ts");
    const run = values.run![0]!;
    const narrative = readNarrative(runPaths(openState().home, run).artifacts, run);
    if (narrative === undefined)
      throw new BrokeError("missing", "there is no evidence of such a run", "`broke harness list` shows the runs");
    if (flags.has("json")) answerJson(narrative);
    else answer(narrate(narrative));
    return 0;
  },
};
