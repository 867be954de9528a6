// `broke sandbox run -- <command>`: any command in the sandbox, supervised and recorded as every client is.

import type { Verb } from "../front.ts";
import { launchClient } from "../launch.ts";
import { dryRunArg, launchArgs, launchOptional, launchOptions } from "../launch-args.ts";
import { newView } from "../overlay.ts";
import { permissionLists } from "../permission-args.ts";

export const verb: Verb = {
  description: "Run any command in the sandbox, record what it does, and end with a verdict",
  args: { ...launchArgs, ...dryRunArg },
  lists: permissionLists,
  optional: launchOptional,
  rest: true,
  view: async ({ values, flags }) => (flags.has("dry-run") ? undefined : newView(values.workspace?.[0])),
  async run({ values, flags, rest = [], view }) {
    const choose = ({ sandbox }: { sandbox: string }) => {
      return { client: "exec", home: "run", args: rest, fallback: sandbox, ...launchOptions({ values, flags }) };
    };
    if (!flags.has("dry-run")) return launchClient(choose, undefined, view);
    const { rehearseLaunch } = await import("../rehearse.ts");
    return rehearseLaunch(choose);
  },
};
