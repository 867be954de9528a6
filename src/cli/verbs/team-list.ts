// `broke team list`: saved teams, and which of their slots are as they are now.

import { describeAccess } from "../access-args.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the teams",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { teams, slots: live } = openState().generations.current();
    const all = Object.entries(teams).map(([name, team]) => ({
      name,
      ...team,
      live: Bun.deepEquals(team.slots, live),
    }));
    if (flags.has("json")) answerJson(all);
    else if (all.length === 0) answer("none yet; `broke team save NAME`");
    else {
      const rows = all.map(({ name, mode, slots, access, live }) => [
        live ? `→ ${name}` : `  ${name}`,
        mode,
        String(Object.keys(slots).length),
        describeAccess(access),
      ]);
      answer(table([["  TEAM", "MODE", "SLOTS", "MAY USE"], ...rows]));
    }
    return 0;
  },
};
