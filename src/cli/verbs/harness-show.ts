// `broke harness show <run>`: what a run was, its timeline, how it ended.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show one run: what it was, its timeline, how it ended",
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { readRun, summarize, timeline } = await import("#harness/view.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const state = openState();
    const run = readRun(state.home, state.runs, signingKeys(state.home).verify, values.run![0]!);
    if (flags.has("json")) answerJson(summarize(run));
    else answer(timeline(run));
    return 0;
  },
};
