// `broke harness replay <run>`: what happened in a run, told from its artifacts alone; or the recording of what its client wrote.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerBytes, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Tell what happened in a run, from its artifacts alone",
  args: {
    run: { type: "positional", description: "run id" },
    cast: { type: "boolean", description: "print the recording of the client's last turn, for `asciinema play`" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { narrate, readNarrative } = await import("#harness/evidence/replay.ts");
    const { readArtifact } = await import("#harness/artifacts/store.ts");
    const { runPaths } = await import("#src/state/paths.ts");
    const run = values.run![0]!;
    const { artifacts } = runPaths(openState().home, run);
    const narrative = readNarrative(artifacts, run);
    if (narrative === undefined)
      throw new BrokeError("missing", "there is no evidence of such a run", "`broke harness list` shows the runs");
    if (flags.has("cast")) {
      const cast = readArtifact(artifacts, narrative.packet.transcript?.sha256 ?? "");
      if (cast === undefined) throw new BrokeError("missing", "there is no recording of the run");
      if (process.stdout.isTTY) answer(cast.toString("utf8"));
      else answerBytes(cast);
    } else if (flags.has("json")) answerJson(narrative);
    else answer(narrate(narrative));
    return 0;
  },
};
