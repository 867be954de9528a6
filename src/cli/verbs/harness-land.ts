// `broke harness land <run>`: takes the work of a run in a tree of its own over into the workspace.

import { noListFlags } from "#sandbox/permission-flags.ts";
import { visible } from "#src/core/text.ts";
import type { Verb } from "../front.ts";
import { viewOf } from "../overlay.ts";
import { answer, answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Take over what a run did in its copy, or put what it did in its worktree into a ref of the repository",
  args: {
    run: { type: "positional", description: "run id" },
    "allow-protected": {
      type: "string",
      description: "protected paths that may be taken over all the same",
      valueHint: "path,…",
    },
    json: { type: "boolean", description: "print JSON" },
  },
  lists: ["allow-protected"],
  view: async ({ values }) => viewOf(values.run![0]!, "look"),
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { landRun } = await import("#harness/land.ts");
    const { parseProtectedPermission } = await import("#sandbox/protected-names.ts");
    const { openAudit } = await import("#harness/audit.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const { systemClock } = await import("#src/core/clock.ts");
    const state = openState();
    const keys = signingKeys(state.home);
    const audit = openAudit({ file: state.home.audit, heads: state.heads, keys, clock: systemClock });
    const opened = parseProtectedPermission({
      ...noListFlags,
      any: flags.has("allow-protected"),
      allow: values["allow-protected"] ?? [],
    });
    const landing = landRun({ home: state.home, runs: state.runs, audit }, values.run![0]!, opened);
    if (flags.has("json")) answerJson(landing);
    else {
      // On one line each, whatever a name holds.
      for (const path of landing.landed) answer(visible(path));
      if (landing.hint !== null) answer(landing.hint);
      for (const path of landing.held) note(`not taken over, protected: ${path}`);
    }
    return landing.held.length > 0 ? 1 : 0;
  },
};
