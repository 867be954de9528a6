// `broke dashboard [--port N]`: runs and slots on a page of this machine, until it is interrupted.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";
import { BrokeError } from "#src/core/errors.ts";

const USUAL_PORT = 4010;

export const verb: Verb = {
  description: "Serve a page with the runs and slots, on this machine alone, until interrupted",
  args: { port: { type: "string", description: `port on 127.0.0.1; ${USUAL_PORT}, if not given` } },
  async run({ values }) {
    const given = values.port?.[0] ?? String(USUAL_PORT);
    if (!/^\d{1,5}$/.test(given) || Number(given) > 65_535) throw new BrokeError("usage", "a port is 0 to 65535");
    const { openState } = await import("../compose.ts");
    const { serveDashboard } = await import("../dashboard.ts");
    const over = Promise.withResolvers<void>();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => over.resolve());
    const { replicaOf } = await import("../shared.ts");
    const state = openState();
    await replicaOf(state);
    const { url, stop } = serveDashboard(state, Number(given));
    answer(url);
    await over.promise;
    await stop();
    return 0;
  },
};
