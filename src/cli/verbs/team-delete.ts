// `broke team delete <name>`.

import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Delete a team that no profile is made of",
  args: {
    name: { type: "positional", description: "name of the team" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const name = values.name![0]!;
    const { deleteTeam } = await import("#src/routing/presets.ts");
    return commitEdit(`team delete ${name}`, flags, `team ${name} deleted`, (routing) => deleteTeam(routing, name));
  },
};
