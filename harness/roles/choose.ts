// By which slot a role is asked: the one it was given, else one that somebody else than the worker answers. Pure.

import type { ServedSlot } from "../ports.ts";

export type Chosen = { slot: string; backends: string[]; warning: string | undefined };

/**
 * `taken` are the backends of whoever it should not be, the worker's first. Undefined: no slot can be answered, or not the one that was given.
 */
export function chooseSlot(
  role: string,
  given: string | null,
  served: readonly ServedSlot[],
  taken: ReadonlySet<string>,
): Chosen | undefined {
  const isOther = ({ backends }: ServedSlot) => backends.every((backend) => !taken.has(backend));
  const asked = given === null ? served : served.filter(({ id }) => id === given);
  const slot = asked.find(isOther) ?? asked[0];
  if (slot === undefined) return undefined;
  const warning = isOther(slot)
    ? undefined
    : `the ${role} may be answered by a backend that answered the worker or another reviewer`;
  return { slot: slot.id, backends: slot.backends, warning };
}
