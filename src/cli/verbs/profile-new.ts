// `broke profile new <name> <team> …`: a team, narrowed, for tokens to be bound to.

import { accessArgs, accessOf } from "../access-args.ts";
import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Make an access profile of a team; it can only narrow what the team may use",
  args: {
    name: { type: "positional", description: "name of the profile" },
    team: { type: "positional", description: "name of the team" },
    desc: { type: "string", description: "what it is for" },
    ...accessArgs,
    replace: { type: "boolean", description: "replace one of that name, for the tokens bound to it too" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const [name, team] = [values.name![0]!, values.team![0]!];
    const profile = { team, description: values.desc?.[0] ?? "", access: accessOf(values) };
    const { newProfile } = await import("#src/routing/presets.ts");
    return commitEdit(`profile new ${name}`, flags, `profile ${name} of team ${team}`, (routing) =>
      newProfile(routing, name, profile, flags.has("replace")),
    );
  },
};
