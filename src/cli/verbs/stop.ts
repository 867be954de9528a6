// `broke stop`: ends our own gateway and nothing else.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Stop the gateway; answers in flight may finish",
  args: {},
  async run() {
    const { openState } = await import("../compose.ts");
    const { stopGateway } = await import("#src/gateway/daemon.ts");
    answer((await stopGateway(openState().home)) ? "gateway stopped" : "no gateway runs");
    return 0;
  },
};
