// `broke team fallback <team> <slot> [backend…]`: who answers there when the slot's backend does not.

import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Set the fallbacks of a slot of a saved team; none: clear them",
  args: {
    team: { type: "positional", description: "name of the team" },
    slot: { type: "positional", description: "slot" },
    json: { type: "boolean", description: "print JSON" },
  },
  words: "backend",
  async run({ values, flags, words }) {
    const [team, slot] = [values.team![0]!, values.slot![0]!];
    const { editFallback } = await import("../edit-fallback.ts");
    const said =
      words.length === 0 ? `${slot} of ${team} has no fallbacks` : `${slot} of ${team} → ${words.join(" → ")}`;
    return commitEdit(`team fallback ${team} ${slot}`, flags, said, (routing) =>
      editFallback(routing, { slot, team, scope: "direct", targets: words.length === 0 ? null : words }),
    );
  },
};
