// `broke swap slot=label …`: takes effect with the next request. `swap many` and `swap-many` are the same.

import { BrokeError } from "#src/core/errors.ts";
import { readAssignments } from "../assignments.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Point slots at backends: slot=backend …, or all=backend",
  args: {
    client: { type: "string", description: "of `all`: the slots of one client", valueHint: "claude|codex|gemini" },
    json: { type: "boolean", description: "print JSON" },
  },
  words: "slot=backend",
  async run({ words: given, values, flags }) {
    const words = given[0] === "many" ? given.slice(1) : given;
    if (words.length === 0)
      throw new BrokeError("usage", "nothing to swap", "broke swap sonnet=<backend>; `broke models` lists them");
    const assignments = readAssignments(words, "slot=backend").map(({ name, value }) => ({ slot: name, label: value }));
    const { openState } = await import("../compose.ts");
    const { swapSlots } = await import("#src/routing/edit.ts");
    const generation = openState().generations.commit(`swap ${words.join(" ")}`, (routing) =>
      swapSlots(routing, assignments, values["client"]?.[0]),
    );
    if (flags.has("json")) answerJson({ generation: generation.id, slots: generation.slots });
    else
      answer(`generation ${generation.id}: ${assignments.map(({ slot, label }) => `${slot} → ${label}`).join(", ")}`);
    return 0;
  },
};
