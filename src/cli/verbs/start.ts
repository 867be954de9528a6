// `broke start`: the TCP gateway in the background.

import type { Verb } from "../front.ts";
import { askedHost, describeExposure, hostArgs } from "../exposing.ts";
import { answer } from "../output.ts";
import { portArg, portOf } from "../port.ts";

export const verb: Verb = {
  description: "Start the gateway in the background",
  args: { port: portArg, ...hostArgs },
  repeated: ["name"],
  async run({ values }) {
    const port = values.port === undefined ? undefined : portOf(values);
    const { openState } = await import("../compose.ts");
    const { startGateway } = await import("../daemon.ts");
    const state = openState();
    const { owner, fresh } = await startGateway(state, port, askedHost(values));
    answer(
      `gateway ${fresh ? "started" : "runs already"} on http://127.0.0.1:${owner.port} (pid ${owner.pid})${describeExposure(owner)}`,
    );
    return 0;
  },
};
