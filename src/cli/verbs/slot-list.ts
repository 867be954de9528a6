// `broke slot list`: every slot with the names it is asked for by.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the slots, your own last",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { slotsOf } = await import("#src/routing/slots.ts");
    const generation = openState().generations.current();
    const slots = slotsOf(generation).map(({ id, client, title, aliases }) => {
      const own = Object.hasOwn(generation.ownSlots, id) ? generation.ownSlots[id] : undefined;
      return {
        id,
        client,
        title,
        own: own !== undefined,
        aliases: own?.aliases ?? aliases.map(({ source }) => source),
      };
    });
    if (flags.has("json")) answerJson(slots);
    else {
      const rows = slots.map(({ id, client, title, aliases }) => [id, client ?? "-", title, aliases.join(" ")]);
      answer(table([["SLOT", "CLIENT", "TITLE", "ALSO"], ...rows]));
    }
    return 0;
  },
};
