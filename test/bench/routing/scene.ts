// A large routing for measurements: 40 keys in 4 pools, 100 backends, 12 slots with chains of 8.

import { changeKeyPolicy, changeModelPolicy } from "#src/routing/edit-policies.ts";
import { emptyRouting, type Generation, type Routing, type StoredBackend } from "#src/routing/generation.ts";
import type { Health, HealthEntry } from "#src/routing/health.ts";
import { healthy } from "#src/routing/health.ts";
import type { PolicyMode } from "#src/routing/policy.ts";
import { resolve } from "#src/routing/resolve.ts";
import { slots } from "#src/routing/slots.ts";

const asked = slots.slice(0, 12).map(({ id }) => id);
const labels = Array.from({ length: 100 }, (_, at) => `backend-${at}`);
const keyNames = [1, 2, 3, 4].flatMap((pool) =>
  Array.from({ length: 10 }, (_, at) => (at === 0 ? `POOL${pool}_KEY` : `POOL${pool}_KEY_${at + 1}`)),
);

/** The scene, under one policy for all keys and models. */
export function big(mode: PolicyMode | undefined): Generation {
  const backends = labels.map((label, at): [string, StoredBackend] => [
    label,
    {
      ...{ label, provider: null, baseUrl: "http://127.0.0.1:1/v1", dialect: "openai-chat", model: `model-${at}` },
      ...{ keyEnv: `POOL${1 + (at % 4)}_KEY`, price: null },
    },
  ]);
  const chain = (at: number) => Array.from({ length: 8 }, (_, step) => labels[(at * 8 + step) % labels.length]!);
  let routing: Routing = {
    ...emptyRouting,
    backends: Object.fromEntries(backends),
    slots: Object.fromEntries(asked.map((slot, at) => [slot, chain(at)[0]!])),
    fallbacks: {
      ...emptyRouting.fallbacks,
      direct: Object.fromEntries(asked.map((slot, at) => [slot, chain(at).slice(1)])),
    },
  };
  if (mode !== undefined) {
    for (const pool of [1, 2, 3, 4]) routing = changeKeyPolicy(routing, `POOL${pool}_KEY`, { mode });
    for (const [at, slot] of asked.entries()) routing = changeModelPolicy(routing, slot, { mode, order: chain(at) });
  }
  return Object.freeze({ ...routing, id: 1 });
}

const held = new Map<string, HealthEntry>(
  Array.from({ length: 20 }, (_, at): [string, HealthEntry] => [
    at % 2 === 0 ? `key ${keyNames[at * 2]}` : `backend ${labels[at]}`,
    { state: "cooldown", reason: "rate_limit", untilMs: 2000, strikes: 1, probeMs: 0, party: null },
  ]),
);
/** Twenty keys and backends cool down. */
export const failing: Health = { any: () => true, get: (subject) => held.get(subject) };

const ROUNDS = 2_000;

/** Microseconds for one request, the best of ten rounds over all slots. */
export function timeOf(generation: Generation, health: Health = healthy): number {
  const round = () => {
    const from = performance.now();
    for (let at = 0; at < ROUNDS; at++) {
      const requested = asked[at % asked.length]!;
      if (resolve({ requested, generation, keyNames, health, nowMs: 1000, session: "s" }).slot === undefined)
        throw new Error("lost");
    }
    return ((performance.now() - from) / ROUNDS) * 1000;
  };
  return Math.min(...Array.from({ length: 10 }, round));
}
