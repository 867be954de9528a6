// `broke harness run`: one supervised run in the current folder, everything about it said by options.

import type { Verb } from "../front.ts";
import { launchClient } from "../launch.ts";

export const verb: Verb = {
  description: "Run a client in a sandbox, record what it does, and end with a verdict",
  args: {
    client: {
      type: "string",
      alias: "provider",
      description: "claude (default), codex, gemini, or exec: any command; also --provider",
      valueHint: "client",
    },
    sandbox: { type: "string", description: "strict (default), hardened or normal", valueHint: "profile" },
    home: {
      type: "string",
      description:
        "run (default): a client home of the run's own; user: your client's sessions, its settings read-only",
      valueHint: "run|user",
    },
  },
  rest: true,
  run: ({ values, rest = [] }) =>
    launchClient(() => ({
      client: values.client?.[0] ?? "claude",
      profile: values.sandbox?.[0] ?? "strict",
      home: values.home?.[0] ?? "run",
      args: rest,
    })),
};
