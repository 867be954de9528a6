// What `doctor` looks at of the routing: who would be asked now, and what may surprise. It asks the resolver and nobody else.

import { type Check, ok, warning } from "#src/core/checks.ts";
import { slotsOf } from "#src/routing/slots.ts";
import { describeRoute, type Known } from "./routes.ts";
import { validate } from "./validate.ts";

/** Nothing here keeps a run from being launched: a slot that nobody answers is a warning. `known` is asked for when the checks are made. */
export function routingChecks(
  known: () => Known,
  valueOf: (name: string) => string | undefined,
  frozen: boolean,
): Check[] {
  return [
    {
      id: "slots",
      run() {
        const now = known();
        const set = slotsOf(now.generation).filter(({ id }) => Object.hasOwn(now.generation.slots, id));
        const refused = set.flatMap(({ id }) => {
          const route = describeRoute(id, now);
          return route.kind === "refused" ? [`${id}: ${route.message}`] : [];
        });
        if (set.length === 0)
          return warning("no slot is set", "broke swap sonnet=<backend>; `broke models` lists the backends");
        if (refused.length > 0) return warning(refused.join("; "), "`broke explain <slot>` says what it follows from");
        return ok(`${set.length} set, each would be answered now${frozen ? "; frozen" : ""}`);
      },
    },
    {
      id: "routing",
      run() {
        const { generation, keyNames } = known();
        const lines = validate(generation, keyNames, valueOf).flatMap((section) => section.lines);
        const odd = lines.filter(({ status }) => status !== "ok").map(({ about, detail }) => `${about}: ${detail}`);
        return odd.length === 0
          ? ok(`generation ${generation.id}`)
          : warning(odd.join("; "), "`broke validate` shows all of it");
      },
    },
  ];
}
