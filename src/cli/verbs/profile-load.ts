// `broke profile load <name>`: its team's routing, and what it may use, become the live ones.

import { loadedProfile } from "../loading.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Make a profile's routing and access the live ones",
  args: {
    name: { type: "positional", description: "name of the profile" },
    json: { type: "boolean", description: "print JSON" },
  },
  run: ({ values, flags }) => loadedProfile(values.name![0]!, flags),
};
