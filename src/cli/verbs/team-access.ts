// `broke team access <team> …`: what a saved team may use; what is not named stays.

import { BrokeError } from "#src/core/errors.ts";
import { accessArgs, accessOf } from "../access-args.ts";
import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Set what a saved team may use; what is not named stays as it is",
  args: {
    team: { type: "positional", description: "name of the team" },
    ...accessArgs,
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const team = values.team![0]!;
    const change = accessOf(values);
    if (Object.keys(change).length === 0)
      throw new BrokeError("usage", "nothing to change", "--slots, --rpm, --tpm, …");
    const { setTeamAccess } = await import("#src/routing/presets.ts");
    return commitEdit(`team access ${team}`, flags, `access of ${team} changed`, (routing) =>
      setTeamAccess(routing, team, change),
    );
  },
};
