// `broke swap slot=label …`: takes effect with the next request. `swap many` and `swap-many` are the same; `swap TEAM` loads a team; with no words, at
// a terminal, slot and backend are picked.

import { readAssignments } from "../assignments.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Point slots at backends: slot=backend …, or all=backend; or load a team",
  args: {
    client: { type: "string", description: "of `all`: the slots of one client", valueHint: "claude|codex|gemini" },
    json: { type: "boolean", description: "print JSON" },
  },
  words: "slot=backend",
  async run({ words: given, values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const state = openState();
    const named = given[0] === "many" ? given.slice(1) : given;
    const { teams } = state.generations.current();
    if (named.length === 1 && Object.hasOwn(teams, named[0]!))
      return (await import("../loading.ts")).loadedTeam(named[0]!, flags);
    const words = named.length === 0 ? (await import("../pick-swap.ts")).pickSwap(state, values["client"]?.[0]) : named;
    if (words === undefined) return 1;
    const assignments = readAssignments(words, "slot=backend").map(({ name, value }) => ({ slot: name, label: value }));
    const { swapSlots } = await import("#src/routing/edit.ts");
    const { adopting } = await import("../adopt.ts");
    const adopt = await adopting(
      state,
      assignments.map(({ label }) => label),
    );
    const generation = await edited(state, ({ generations }) =>
      generations.commit(`swap ${words.join(" ")}`, (routing) =>
        swapSlots(adopt(routing), assignments, values["client"]?.[0]),
      ),
    );
    if (flags.has("json")) answerJson({ generation: generation.id, slots: generation.slots });
    else
      answer(`generation ${generation.id}: ${assignments.map(({ slot, label }) => `${slot} → ${label}`).join(", ")}`);
    return 0;
  },
};
