// `broke gateway`: the TCP gateway in the foreground.

import type { Verb } from "../front.ts";
import { askedHost, hostArgs } from "../exposing.ts";
import { note } from "../output.ts";
import { portOf, portArg } from "../port.ts";

export const verb: Verb = {
  description: "Run the gateway in the foreground, until it is interrupted",
  args: { port: portArg, ...hostArgs },
  repeated: ["name"],
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { serveForeground } = await import("#src/gateway/daemon.ts");
    const { clientToken } = await import("#src/state/secrets.ts");
    const { liveDeps } = await import("../shared.ts");
    const { watched } = await import("../telemetry.ts");
    const { tryLock } = await import("#sandbox/libc.ts");
    const { version } = await import("../../../package.json");
    const state = openState();
    const { watchLoad } = await import("../provider-thread.ts");
    const load = watchLoad();
    const told = { ...(await liveDeps(state)), onBegin: load.begin, onReport: load.end };
    const { deps, stop } = await watched(told, state.env);
    const token = clientToken(state.home, state.env);
    const { checkExposure } = await import("../daemon.ts");
    const exposure = checkExposure(state, askedHost(values));
    const where = exposure === undefined ? "" : ` and ${exposure.host}`;
    await serveForeground(state.home, deps, token, version, { port: portOf(values), exposure }, tryLock, (port) => {
      note(`listening on http://127.0.0.1:${port}${where}`);
      void load.follow();
    });
    await stop();
    return 0;
  },
};
