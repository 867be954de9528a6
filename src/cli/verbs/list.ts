// `broke list`: every slot and what would answer for it now.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "Show which backend answers for each slot",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { knownNow, openState } = await import("../compose.ts");
    const { describeSlots } = await import("#src/observe/routes.ts");
    const routes = describeSlots(knownNow(openState()));
    if (flags.has("json")) answerJson(routes);
    else {
      const rows = routes.map((route) => [
        route.slot,
        route.backends.join(" → ") || "-",
        route.served ? "ready" : (route.problem ?? ""),
        route.floating.join(", "),
      ]);
      answer(table([["SLOT", "BACKEND", "STATE", "FLOATING"], ...rows]));
    }
    return 0;
  },
};
