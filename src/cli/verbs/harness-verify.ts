// `broke harness verify <run>`: yes (0), or no (1) with the first bad line.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Check a run's ledger: hashes, signatures, recorded head",
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { readRun } = await import("#harness/view.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const state = openState();
    const { verification } = readRun(state.home, state.runs, signingKeys(state.home).verify, values.run![0]!);
    const { state: word, records, line, reason } = verification;
    if (flags.has("json")) answerJson(verification);
    else
      answer(
        `${word}: ${records} records${line === null ? "" : `, first bad line ${line}`}${reason === null ? "" : `: ${reason}`}`,
      );
    return word === "intact" ? 0 : 1;
  },
};
