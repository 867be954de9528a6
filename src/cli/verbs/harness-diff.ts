// `broke harness diff <run>`: what the run changed in its files, as it was stored; to a terminal, and to the log of a CI job, made safe to show.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerBytes, answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Print what a run changed in its files, as a unified diff",
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { findArtifact } = await import("#harness/evidence/stored.ts");
    const { runPaths } = await import("#src/state/paths.ts");
    const { existsSync, fstatSync } = await import("node:fs");
    const paths = runPaths(openState().home, values.run![0]!);
    const found = existsSync(paths.ledger) ? findArtifact(paths, "diff") : undefined;
    if (found === undefined)
      throw new BrokeError("missing", "there is no diff of such a run", "`broke harness list` shows the runs");
    const { ref, text } = found;
    if (text === undefined)
      throw new BrokeError(
        "missing",
        "the diff is gone, or is not what it was",
        "`broke harness show` says what changed",
      );
    if (ref.cut > 0) note(`${ref.cut} bytes more were not kept`);
    if (flags.has("json")) answerJson({ ...ref, diff: text });
    else if (process.stdout.isTTY || (process.env.GITHUB_ACTIONS === "true" && !fstatSync(1).isFile())) answer(text);
    else answerBytes(Buffer.from(text));
    return 0;
  },
};
