// `broke restart`: stop, then start on the same port, for the same callers.

import type { Verb } from "../front.ts";
import { askedAgain, askedHost, describeExposure, hostArgs } from "../exposing.ts";
import { answer } from "../output.ts";
import { portArg, portOf } from "../port.ts";

export const verb: Verb = {
  description: "Restart the gateway, on the same port, for the same callers, unless others are given",
  args: { port: portArg, ...hostArgs },
  repeated: ["name"],
  async run({ values }) {
    const asked = portOf(values);
    const { openState } = await import("../compose.ts");
    const { stopGateway } = await import("#src/gateway/daemon.ts");
    const { readOwner } = await import("#src/gateway/ownership.ts");
    const { checkExposure, startGateway } = await import("../daemon.ts");
    const state = openState();
    const running = readOwner(state.home);
    const port = values.port === undefined ? (running?.port ?? asked) : asked;
    const hosts = ["host", "tokens", "name"].some((word) => word in values) ? askedHost(values) : askedAgain(running);
    // Before the one that runs is ended.
    checkExposure(state, hosts);
    await stopGateway(state.home);
    const { owner } = await startGateway(state, port, hosts);
    answer(`gateway started on http://127.0.0.1:${owner.port} (pid ${owner.pid})${describeExposure(owner)}`);
    return 0;
  },
};
