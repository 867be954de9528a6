// `broke claude`, `broke launch codex`, `broke g`: a client in the stored sandbox; every word after its name is the client's.

import type { Verb } from "../front.ts";
import { launchClient } from "../launch.ts";

/** The verb that launches this client. */
export const launchOf = (client: string): Verb => ({
  description: `Run ${client} in the configured sandbox`,
  args: {},
  whole: true,
  run: ({ rest = [] }) =>
    launchClient(({ sandbox }) => ({
      ...{ client, profile: sandbox, home: "run", args: rest },
      held: { contract: undefined, document: {} },
    })),
});
