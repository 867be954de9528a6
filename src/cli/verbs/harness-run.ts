// `broke harness run`: one supervised run in the current folder, everything about it said by options.

import type { Verb } from "../front.ts";
import { contractArgs, contractDocument, contractRepeated } from "../contract-args.ts";
import { launchClient } from "../launch.ts";
import { dryRunArg, launchArgs, launchOptional, launchOptions } from "../launch-args.ts";
import { permissionLists } from "../permission-args.ts";

export const verb: Verb = {
  description: "Run a client in a sandbox, record what it does, and end with a verdict",
  args: {
    client: {
      type: "string",
      alias: "provider",
      description: "claude (default), codex, gemini, or exec: any command; also --provider",
      valueHint: "client",
    },
    home: {
      type: "string",
      description:
        "run (default): a client home of the run's own; user: your client's sessions, its settings read-only",
      valueHint: "run|user",
    },
    ...contractArgs,
    ...launchArgs,
    ...dryRunArg,
  },
  lists: permissionLists,
  optional: launchOptional,
  repeated: contractRepeated,
  rest: true,
  async run({ values, flags, rest = [] }) {
    const choose = () => ({
      client: values.client?.[0],
      home: values.home?.[0],
      args: rest,
      held: { contract: values.contract?.[0], document: contractDocument({ values }) },
      ...launchOptions({ values, flags }),
    });
    if (!flags.has("dry-run")) return launchClient(choose);
    const { rehearseLaunch } = await import("../rehearse.ts");
    return rehearseLaunch(choose);
  },
};
