// Picking what `broke swap` and `broke fallback` would otherwise be told, at a terminal.

import { BrokeError } from "#src/core/errors.ts";
import { allBackends } from "#src/routing/backends.ts";
import type { Generation } from "#src/routing/generation.ts";
import { slotsOf } from "#src/routing/slots.ts";
import { activeClient } from "./active.ts";
import type { State } from "./compose.ts";
import { isAsked, pickOne, pickOrder } from "./pick.ts";

const shown = ({ label, model, pinned }: ReturnType<typeof allBackends>[number]) =>
  `${label}  ${model}${pinned === false ? "  (floating)" : ""}`;

/** One assignment, as it would be typed; undefined: nothing. Throws `usage` without a terminal. */
export function pickSwap(state: State, client = activeClient(state)): string[] | undefined {
  if (!isAsked())
    throw new BrokeError("usage", "nothing to swap", "broke swap sonnet=<backend>; `broke models` lists them");
  const now = state.generations.current();
  const slots = slotsOf(now).filter((slot) => client === "gemini" || slot.client === client || slot.client === null);
  const slot = pickOne(
    "which slot",
    slots.map(({ id, title }) => `${id}  ${title} → ${now.slots[id] ?? "nobody"}`),
  );
  if (slot === undefined) return undefined;
  const backends = allBackends(now);
  const backend = pickOne(`who answers for ${slots[slot]!.id}`, backends.map(shown));
  return backend === undefined ? undefined : [`${slots[slot]!.id}=${backends[backend]!.label}`];
}

/** Labels in order; none: the chain is to go; undefined: nothing was said, or there is nobody to ask. */
export function pickFallbacks(now: Generation, slot: string): string[] | undefined {
  if (!isAsked()) return undefined;
  const backends = allBackends(now);
  return pickOrder(`who follows for ${slot}`, backends.map(shown))?.map((at) => backends[at]!.label);
}
