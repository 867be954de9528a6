// `broke restart`: stop, then start on the same port.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";
import { portArg, portOf } from "../port.ts";

export const verb: Verb = {
  description: "Restart the gateway, on the same port unless one is given",
  args: { port: portArg },
  async run({ values }) {
    const asked = portOf(values);
    const { openState } = await import("../compose.ts");
    const { stopGateway } = await import("#src/gateway/daemon.ts");
    const { readOwner } = await import("#src/gateway/ownership.ts");
    const { startGateway } = await import("../daemon.ts");
    const state = openState();
    const port = values.port === undefined ? (readOwner(state.home)?.port ?? asked) : asked;
    await stopGateway(state.home);
    const { owner } = await startGateway(state, port);
    answer(`gateway started on http://127.0.0.1:${owner.port} (pid ${owner.pid})`);
    return 0;
  },
};
