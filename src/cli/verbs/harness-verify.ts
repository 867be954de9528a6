// `broke harness verify <run | file>`: yes (0), or no (1) with the first bad line, for a run of this home or for a bundle from anywhere.

import { isRunId } from "#src/core/ids.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, note } from "../output.ts";

const words = (verification: { state: string; records: number; line: number | null; reason: string | null }) => {
  const { state, records, line, reason } = verification;
  return `${state}: ${records} records${line === null ? "" : `, first bad line ${line}`}${reason === null ? "" : `: ${reason}`}`;
};

export const verb: Verb = {
  description: "Check a run's ledger: hashes, signatures, recorded head; or a bundle of `export`",
  args: {
    run: { type: "positional", description: "run id, or the bundle's file" },
    key: { type: "string", description: "the only public key to believe (PEM), for a bundle", valueHint: "file" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const [run = ""] = values.run!;
    if (!isRunId(run)) {
      const { readPin, verifyBundle } = await import("#harness/bundle/verify.ts");
      const pin = values.key?.[0];
      const bundle = verifyBundle(run, pin === undefined ? undefined : readPin(pin));
      if (flags.has("json")) answerJson(bundle);
      else answer(`${words(bundle)}${bundle.key === null ? "" : `\n${bundle.run}, signed by ${bundle.key}`}`);
      if (!bundle.pinned && bundle.state === "intact")
        note("the key is the bundle's own: compare its fingerprint, or give --key");
      return bundle.state === "intact" ? 0 : 1;
    }
    const { openState } = await import("../compose.ts");
    const { verifyRun } = await import("#harness/view.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const state = openState();
    const verification = verifyRun(state.home, state.runs, signingKeys(state.home).verify, run);
    if (flags.has("json")) answerJson(verification);
    else answer(words(verification));
    return verification.state === "intact" ? 0 : 1;
  },
};
