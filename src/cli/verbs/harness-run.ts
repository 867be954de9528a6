// `broke harness run`: one supervised run in the current folder, everything about it said by options.

import type { Verb } from "../front.ts";
import { contractArgs, contractDocument, contractRepeated } from "../contract-args.ts";
import { launchClient } from "../launch.ts";
import { dryRunArg, launchArgs, launchOptional, launchOptions } from "../launch-args.ts";
import { newView } from "../overlay.ts";
import { permissionLists } from "../permission-args.ts";

export const verb: Verb = {
  description: "Run a client in a sandbox, record what it does, and end with a verdict",
  args: {
    client: {
      type: "string",
      alias: "provider",
      description: "claude (default), codex, gemini, agent (our own), or exec: any command; also --provider",
      valueHint: "client",
    },
    home: {
      type: "string",
      description:
        "run (default): a client home of the run's own; user: your client's sessions, its settings read-only",
      valueHint: "run|user",
    },
    ...contractArgs,
    elevated: {
      type: "boolean",
      description: "lend the worker a key (provider_direct): asks here, or BROKE_ELEVATE=1",
    },
    "elevate-for": { type: "string", description: "how long at most (1h)", valueHint: "duration" },
    trust: {
      type: "string",
      description:
        "whose instructions and settings count in a pull request: its base's (base, the default there) or head",
      valueHint: "base|head",
    },
    report: {
      type: "string",
      description: "write reports of the run: json, junit, sarif, md; any number of times",
      valueHint: "form=file,…",
    },
    artifacts: {
      type: "string",
      description: "keep ledger, patch, recording, verification log and every report in this folder",
      valueHint: "folder",
    },
    ...launchArgs,
    ...dryRunArg,
  },
  lists: permissionLists,
  optional: launchOptional,
  repeated: [...contractRepeated, "report"],
  rest: true,
  view: async ({ values, flags }) => (flags.has("dry-run") ? undefined : newView(values.workspace?.[0])),
  async run({ values, flags, rest = [], view }) {
    const choose = () => ({
      client: values.client?.[0],
      home: values.home?.[0],
      args: rest,
      trust: values.trust?.[0],
      elevate: { asked: flags.has("elevated"), duration: values["elevate-for"]?.[0] },
      held: { contract: values.contract?.[0], document: contractDocument({ values }) },
      ...launchOptions({ values, flags }),
    });
    if (!flags.has("dry-run"))
      return launchClient(choose, { words: values.report ?? [], folder: values.artifacts?.[0] }, view);
    const { rehearseLaunch } = await import("../rehearse.ts");
    return rehearseLaunch(choose);
  },
};
