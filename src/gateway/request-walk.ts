// One request's walk through its attempts, as the gateway's state is told of it: what is made ready, what is claimed, what failed or worked, and whose turn
// it was.

import { cooldownOf } from "#src/routing/cooldown.ts";
import { type Failure, partyOf } from "#src/routing/health.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import type { Asks, Resolution } from "#src/routing/resolve.ts";
import { prepareAttempt, type Prepared } from "./attempt.ts";
import type { Caller } from "./caller.ts";
import type { Departure } from "./departure.ts";
import type { Exchange } from "./exchange.ts";
import type { Incoming } from "./incoming.ts";
import type { GatewayDeps } from "./ports.ts";
import type { Resolved } from "./resolution.ts";
import type { Walk } from "./walk.ts";

type About = {
  deps: GatewayDeps;
  incoming: Incoming;
  exchange: Exchange;
  departure: Departure;
  caller: Pick<Caller, "profile" | "run" | "session">;
  asks: Asks;
  resolved: Resolved;
  resolution: Extract<Resolution, { kind: "attempts" }>;
};

/** A class, because there is one for every request: as eight closures it took 3 to 5 % more of a small one's time. */
export class RequestWalk implements Walk {
  readonly #about: About;
  readonly #party: ReturnType<typeof partyOf>;
  readonly attempts: readonly Attempt[];
  readonly once: boolean;
  readonly stream: boolean;
  readonly departure: Departure;
  readonly redact: Walk["redact"];
  readonly clock: Walk["clock"];
  readonly silenceMs: number;
  readonly backoffMs: number;

  constructor(about: About) {
    const { deps, incoming, departure, caller, resolved, resolution } = about;
    this.#about = about;
    this.#party = partyOf(caller);
    this.once = deps.once === true;
    this.attempts = this.once ? resolution.attempts.slice(0, 1) : resolution.attempts;
    this.stream = incoming.stream;
    this.departure = departure;
    this.redact = deps.redact;
    this.clock = deps.clock;
    this.silenceMs = resolved.generation.silenceMs;
    this.backoffMs = deps.timing.backoffMs;
  }

  prepare(attempt: Attempt): Prepared {
    const { incoming, resolved } = this.#about;
    const { keys, generation } = resolved;
    return prepareAttempt(attempt, incoming, { keys, redact: this.redact, lossless: generation.lossless });
  }

  onAttempt(): void {
    this.#about.exchange.attempt();
  }

  tried(attempt: Attempt, status: number, reason: string): void {
    this.#about.exchange.tried(attempt, status, reason);
  }

  begun(attempt: Attempt, before: Attempt | undefined): boolean {
    const { deps, resolved } = this.#about;
    if (before === undefined) return resolved.claimed === true;
    if (!deps.health.claim(attempt, this.#party)) return false;
    deps.rotation.begun(attempt, before);
    return true;
  }

  failed(attempt: Attempt, failure: Failure): void {
    const { deps, resolved, resolution } = this.#about;
    const cooldownMs = cooldownOf(resolved.generation, resolution.slot.id, attempt, failure.reason);
    deps.health.failed(attempt, { ...failure, party: this.#party, cooldownMs });
  }

  unfit(attempt: Attempt, member: string): void {
    const { deps, incoming, asks } = this.#about;
    // Translated, what it was asked is not what the client wrote.
    if (attempt.backend.dialect === incoming.dialect && asks.members().includes(member))
      deps.health.unfit(attempt, member, this.#party);
  }

  worked(attempt: Attempt): void {
    const { deps, exchange, caller } = this.#about;
    exchange.tried(attempt, 200, null);
    deps.health.worked(attempt, this.#party);
    deps.rotation.worked(attempt, caller.session);
  }

  released(attempt: Attempt): void {
    this.#about.deps.health.release(attempt);
  }
}
