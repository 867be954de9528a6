// The operator's word about a key or a backend, checked and stored.

import { systemClock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { allBackends } from "#src/routing/backends.ts";
import { keyCooldown, modelCooldown } from "#src/routing/cooldown.ts";
import { type HealthState, MANUAL_COOLDOWN_MS } from "#src/routing/health.ts";
import { secretNames } from "./compose.ts";
import type { Editable } from "./shared.ts";

/** Stores it. Throws `usage` on a name nobody knows, `negative` when there is nothing to lift. */
export function manualHealth(
  { generations, keys, health }: Pick<Editable, "generations" | "keys" | "health">,
  about: "key" | "model",
  name: string,
  state: HealthState,
): { lifted: number; untilMs: number | null } {
  const routing = generations.current();
  if (state === "healthy") {
    const lifted = health.lift(name);
    if (lifted === 0) throw new BrokeError("negative", "nothing is held against it", "`broke key-state` lists what is");
    return { lifted, untilMs: null };
  }
  const known = about === "key" ? secretNames(keys, routing) : allBackends(routing).map(({ label }) => label);
  if (!known.includes(name)) {
    const guess = nearest(name, known);
    const hint = about === "key" ? "a key is named by its variable, as in GROQ_API_KEY" : "`broke models` lists them";
    throw new BrokeError("usage", `unknown ${about}`, guess === undefined ? hint : `did you mean ${guess}?`);
  }
  const cooldown = about === "key" ? keyCooldown(routing, name) : modelCooldown(routing, name);
  const untilMs = state === "blocked" ? null : systemClock() + (cooldown ?? MANUAL_COOLDOWN_MS);
  health.set(about === "key" ? `key ${name}` : `backend ${name}`, state, untilMs);
  return { lifted: 0, untilMs };
}
