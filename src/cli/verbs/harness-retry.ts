// `broke harness retry <run>`: sends the worker of a run that was not accepted back, in its tree and session or from a clean tree.

import type { Verb } from "../front.ts";
import { inView, viewOf } from "../overlay.ts";

export const verb: Verb = {
  description: "Send a run's worker back with what was objected to; a run of its own goes on where it ended",
  args: {
    run: { type: "positional", description: "run id" },
    broad: { type: "boolean", description: "begin again from a clean tree, with a new session" },
    say: { type: "string", description: "what you say to the worker beside it", valueHint: "text" },
  },
  view: async ({ values, flags }) => viewOf(values.run![0]!, flags.has("broad") ? "anew" : "next"),
  async run({ values, flags, view }) {
    const { decideDeps } = await import("../decided.ts");
    const { retryRun } = await import("#harness/retry.ts");
    const { tellResult } = await import("../launch.ts");
    const kind = flags.has("broad") ? "broad" : "narrow";
    const deps = await decideDeps(view);
    const said = values.say?.[0];
    return tellResult(await inView(view, () => retryRun(deps, values.run![0]!, { kind, said })));
  },
};
