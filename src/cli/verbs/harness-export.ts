// `broke harness export <run> --out FILE`: the run as one file that another machine can check.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Write a run's ledger, artifacts and public key into one file, for `broke harness verify` anywhere",
  args: {
    run: { type: "positional", description: "run id" },
    out: { type: "string", description: "the file to make", valueHint: "file" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { exportRun } = await import("#harness/bundle/export.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const out = values.out?.[0];
    if (out === undefined) throw new BrokeError("usage", "--out is missing", "give the file to make: --out run.tar");
    const { home, runs } = openState();
    const exported = exportRun({ home, runs, key: signingKeys(home).verify }, values.run![0]!, out);
    const { run, artifacts, key, missing } = exported;
    if (flags.has("json")) answerJson(exported);
    else answer(`${run} with ${artifacts} artifacts, signed by ${key}`);
    for (const name of missing) note(`an artifact is missing or damaged: ${name}`);
    return missing.length > 0 ? 1 : 0;
  },
};
