// `broke team save <name> [cli|router]`: the live routing under a name.

import { BrokeError } from "#src/core/errors.ts";
import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Save the live routing as a team; one that is there keeps what it may use",
  args: {
    name: { type: "positional", description: "name of the team" },
    mode: {
      type: "positional",
      required: false,
      description: "cli: `broke` launches the client; router: the gateway alone",
    },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const name = values.name![0]!;
    const { openState } = await import("../compose.ts");
    const said = values.mode?.[0] ?? openState().settings.get("mode") ?? "cli";
    const mode = said === "route" ? "router" : said;
    if (mode !== "cli" && mode !== "router") throw new BrokeError("usage", "a team's mode is cli or router");
    const { saveTeam } = await import("#src/routing/presets.ts");
    return commitEdit(`team save ${name}`, flags, `team ${name} saved`, (routing) => saveTeam(routing, name, mode));
  },
};
