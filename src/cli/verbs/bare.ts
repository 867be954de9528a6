// `broke`: the active client in the configured sandbox, or, as a router, the gateway alone. Takes no words: one that is no command launches nothing.

import type { Verb } from "../front.ts";
import { newView } from "../overlay.ts";

export const verb: Verb = {
  description: "Launch the active client, or as a router start the gateway",
  args: {},
  view: async () => newView(undefined),
  async run(invocation) {
    const { openState } = await import("../compose.ts");
    const state = openState();
    if (state.settings.get("mode") === "router") return (await import("./start.ts")).verb.run(invocation);
    const { activeClient } = await import("../active.ts");
    const { launchOf } = await import("./launch.ts");
    return launchOf(activeClient(state)).run({ ...invocation, rest: [] });
  },
};
