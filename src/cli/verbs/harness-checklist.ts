// `broke harness checklist`: what the harness promises, each tried now. Yes (0) when all of it holds, no (1) otherwise.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "Try what the harness promises, and say what holds",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { checklist } = await import("#harness/checklist.ts");
    const { profileOf } = await import("#sandbox/profile.ts");
    const { runChecks } = await import("#src/core/checks.ts");
    const { openState } = await import("../compose.ts");
    const { runDeps } = await import("../launch.ts");
    const state = openState();
    const deps = await runDeps(state);
    const checked = await runChecks(checklist(deps, profileOf(state.settings.get("sandbox") ?? "strict")));
    const holding = checked.filter(({ status }) => status === "ok").length;
    if (flags.has("json")) answerJson({ holding, total: checked.length, items: checked });
    else {
      answer(table(checked.map(({ status, id, detail }) => [status, id, detail])));
      answer(`${holding} of ${checked.length} hold`);
    }
    return holding === checked.length ? 0 : 1;
  },
};
