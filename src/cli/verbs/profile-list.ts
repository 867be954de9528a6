// `broke profile list`: access profiles, and what is left of their teams.

import { describeAccess } from "../access-args.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the access profiles",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { viewOf } = await import("#src/routing/view.ts");
    const generation = openState().generations.current();
    const all = Object.entries(generation.profiles).map(([name, { team, description, access }]) => ({
      ...{ name, team, description, access },
      effective: viewOf(generation, name)?.access ?? null,
    }));
    if (flags.has("json")) answerJson(all);
    else if (all.length === 0) answer("none yet; `broke profile new NAME TEAM`");
    else {
      const rows = all.map(({ name, team, description, effective }) => [
        ...[name, team, effective === null ? "its team is gone" : describeAccess(effective), description],
      ]);
      answer(table([["PROFILE", "TEAM", "MAY USE", ""], ...rows]));
    }
    return 0;
  },
};
