// `broke harness report <run>`: a finished run as a report for other programs.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Print a report of a run: json (default), junit, sarif or md",
  args: {
    run: { type: "positional", description: "run id" },
    form: { type: "string", description: "json (default), junit, sarif or md", valueHint: "form" },
  },
  async run({ values }) {
    const { reportForm, reportForms } = await import("#harness/report/places.ts");
    const form = reportForm(values.form?.[0] ?? "json");
    const { openState } = await import("../compose.ts");
    const { reviewRun } = await import("#harness/view.ts");
    const { reportOf } = await import("#harness/report/report.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const state = openState();
    const run = reviewRun(state.home, state.runs, signingKeys(state.home).verify, values.run![0]!);
    answer(reportForms[form](reportOf(run)).trimEnd());
    return 0;
  },
};
