// The resolver, asked with everything the gateway knows at this moment: the generation, the keys there are, and how they fare.

import { errorTypeOf } from "#src/wire/errors.ts";
import { type Caller, liveCaller } from "./caller.ts";
import type { Generation } from "#src/routing/generation.ts";
import { partyOf } from "#src/routing/health.ts";
import { type Asks, type Resolution, resolve } from "#src/routing/resolve.ts";
import type { Keys } from "#src/state/keys.ts";
import type { Departure } from "./departure.ts";
import type { GatewayDeps } from "./ports.ts";
import type { Fault } from "./reply.ts";

/** `keys`: as they were then, for as long as the request lasts. */
export type Resolved = {
  generation: Generation;
  keys: Keys;
  resolution: Resolution;
  nowMs: number;
  claimed?: boolean;
};

export type ResolveDeps = Pick<GatewayDeps, "generations" | "keys" | "health" | "rotation" | "clock">;

/** What can be asked now. */
export function resolveNow(
  requested: string,
  { generations, keys, health, rotation, clock }: ResolveDeps,
  { profile, session, run }: Pick<Caller, "profile" | "session" | "run"> = liveCaller,
  asks?: Asks,
): Resolved {
  const generation = generations.current();
  const nowMs = clock();
  const party = partyOf({ run, profile });
  const held = keys.held();
  const known = { requested, generation, keyNames: held.names(), health, nowMs, profile, party, session, rotation };
  return {
    generation,
    keys: held,
    nowMs,
    resolution: resolve(asks === undefined ? known : { ...known, asks }),
  };
}

/**
 * What can be asked now, or after a short wait if a limit is about to pass. Its first attempt has begun: whoever asks next finds the turn taken. Rejects with `Departed` when
 * the client goes away meanwhile.
 */
export function resolveSoon(
  requested: string,
  deps: GatewayDeps,
  departure: Departure,
  caller: Pick<Caller, "profile" | "session" | "run"> = liveCaller,
  asks?: Asks,
): Resolved | Promise<Resolved> {
  const resolved = resolveClaimed(requested, deps, caller, asks);
  const { resolution, nowMs } = resolved;
  if (resolution.kind === "attempts") return resolved;
  const wait = (resolution.untilMs ?? Infinity) - nowMs;
  if (wait > deps.timing.maxWaitMs) return resolved;
  return departure.pause(Math.max(0, wait)).then(() => resolveClaimed(requested, deps, caller, asks));
}

/** What can be asked now, its first attempt begun. */
function resolveClaimed(
  requested: string,
  deps: GatewayDeps,
  caller: Pick<Caller, "profile" | "session" | "run">,
  asks: Asks | undefined,
): Resolved {
  const resolved = resolveNow(requested, deps, caller, asks);
  if (resolved.resolution.kind === "refused") return resolved;
  const first = resolved.resolution.attempts[0]!;
  deps.rotation.begun(first);
  // Where another gateway of this home was faster, the walk goes on with the next.
  resolved.claimed = deps.health.claim(first, partyOf(caller));
  return resolved;
}

/** Why the resolver offers nothing, as an error of HTTP. */
export function refusalFault(resolution: Extract<Resolution, { kind: "refused" }>, nowMs: number): Fault {
  const { slot, reason } = resolution;
  // The client may be a worker: what the operator calls his keys is not its business.
  const message =
    reason === "no_key"
      ? `the slot ${slot?.id} cannot be served: its backend has no key; \`broke route ${slot?.id}\` names it`
      : `${resolution.message}: ${resolution.hint}`;
  if (resolution.reason === "cooling") {
    const retryAfterMs = Math.max(1, (resolution.untilMs ?? nowMs) - nowMs);
    return { status: 429, type: "rate_limit", message, retryAfterMs };
  }
  if (resolution.reason === "keys_refused") return { status: 502, type: errorTypeOf(502), message, final: true };
  if (reason === "not_allowed" || reason === "no_price")
    return { status: 403, type: errorTypeOf(403), message, final: true };
  const status = resolution.reason === "unknown_model" ? 404 : 400;
  return { status, type: errorTypeOf(status), message, final: true };
}
