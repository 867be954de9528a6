// `broke sandbox explain`: what a run with these options would be shown, may change and reach, and what that does not stop.

import type { Verb } from "../front.ts";
import { launchArgs, launchOptional, launchOptions } from "../launch-args.ts";
import { permissionLists } from "../permission-args.ts";

export const verb: Verb = {
  description: "Say what a run with these options could see, change and reach, and what that does not stop",
  args: {
    client: { type: "string", description: "claude, codex, gemini, agent, or exec (default)", valueHint: "client" },
    ...launchArgs,
    json: { type: "boolean", description: "print JSON" },
  },
  lists: permissionLists,
  optional: launchOptional,
  rest: true,
  async run({ values, flags, rest }) {
    const { explainLaunch } = await import("../rehearse.ts");
    const client = values.client?.[0] ?? "exec";
    return explainLaunch(({ sandbox }) => {
      // Any command is held alike; one has to be named.
      const args = rest ?? (client === "exec" ? ["sh"] : []);
      return { client, home: "run", args, fallback: sandbox, ...launchOptions({ values, flags }) };
    }, flags.has("json"));
  },
};
