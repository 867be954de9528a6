// `broke team load <name>`: its routing becomes the live one, with the next request.

import { loadedTeam } from "../loading.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Make a team's routing the live one",
  args: {
    name: { type: "positional", description: "name of the team" },
    json: { type: "boolean", description: "print JSON" },
  },
  run: ({ values, flags }) => loadedTeam(values.name![0]!, flags),
};
