// The one resolver: for this request, under this generation and with these keys, which attempts in which order, and why.
// Pure. The gateway executes exactly what it returns; `route`, `list` and `/v1/models` print the same. Nothing else chooses a backend.

import { allowsSlot, mayCost } from "./access.ts";
import { type Attempt, type Lane, type Plan, planOf, type Skipped, slotServing } from "./candidates.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { isoTime } from "#src/core/clock.ts";
import type { Generation } from "./generation.ts";
import { type Block, blockOf, type Health, type HealthReason, healthy, partyOf, refusedMembers } from "./health.ts";
import { arrange, noRotation, pinOf, type Rotation } from "./rotation.ts";
import { type Slot, slotOf, slotsOf } from "./slots.ts";
import { type View, viewOf } from "./view.ts";

export type RefusalReason =
  | "unknown_profile"
  | "unknown_model"
  | "not_allowed"
  | "no_price"
  | "slot_not_set"
  | "no_key"
  | "unknown_backend"
  | "cooling"
  | "keys_refused";

export type Resolution =
  | { kind: "attempts"; slot: Slot; view: View; attempts: readonly Attempt[]; skipped: Skipped[] }
  | {
      kind: "refused";
      slot: Slot | undefined;
      reason: RefusalReason;
      message: string;
      hint: string;
      /** When asking again may help, for `cooling`. */
      untilMs?: number;
    };

export type Asks = { dialect: Dialect | null; members(): readonly string[] };

export type ResolveInput = {
  /** The model name the client asked for. */
  requested: string;
  generation: Generation;
  /** Names of variables that hold a non-empty value. */
  keyNames: readonly string[];
  /** What is known of keys and backends; nothing, unless given. */
  health?: Health;
  nowMs?: number;
  /** Whose team it is asked of; nobody's: the live routing. */
  profile?: string | null;
  /** Whose request it is, for what is held against one alone; the profile's, unless given. */
  party?: string;
  /** What it asks with: its top-level members, in this dialect; null: in whichever the backend speaks. */
  asks?: Asks;
  /** The conversation, for choices that stick to it. */
  session?: string | null;
  /** What was chosen before; nothing, unless given. */
  rotation?: Rotation;
};

const words: Record<HealthReason, string> = {
  rate_limit: "is over its limit",
  auth_failure: "was refused",
  quota_exhausted: "has no credit left",
  upstream_error: "keeps failing",
  timeout: "keeps saying nothing",
  unreachable: "cannot be reached",
  context_length: "takes less",
  unsupported_parameter: "does not take it",
  content_filtered: "filters it",
  manual_set: "was set aside by the operator",
  cooldown_expired: "is tried first",
};
/** What is said of a key, where there is one. */
const ofKey: ReadonlySet<HealthReason> = new Set(["rate_limit", "auth_failure", "quota_exhausted"]);
const held: ReadonlySet<HealthReason> = new Set(["auth_failure", "quota_exhausted", "manual_set"]);

function whyBlocked(
  { keyName }: Attempt,
  { reason, untilMs }: { reason: HealthReason; untilMs: number | null },
): string {
  const who = ofKey.has(reason) && keyName !== null ? keyName : "it";
  return `${who} ${words[reason]}${untilMs === null ? ", until lifted" : `, until ${isoTime(untilMs)}`}`;
}

/** Nothing may be asked now. Limits and failures pass; keys that were refused are the operator's to mend. */
function blockedRefusal(slot: Slot, blocks: { reason: HealthReason; untilMs: number | null }[]): Resolution {
  const passing = blocks.filter(
    ({ reason, untilMs }) => !held.has(reason) || (reason === "manual_set" && untilMs !== null),
  );
  const deadlines = passing.flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
  if (deadlines.length === 0) {
    const aside = blocks.every(({ reason }) => reason === "manual_set");
    return {
      kind: "refused",
      slot,
      reason: "keys_refused",
      message: aside
        ? `the operator set aside whatever answers the slot ${slot.id}`
        : `the providers refuse every key of the slot ${slot.id}`,
      hint: aside
        ? "`broke key-state` lists it; `broke key-state set <key> healthy` or `broke model-state set <backend> healthy` lifts it"
        : "`broke key-state` says why; `broke key-state set <key> healthy` lifts it",
    };
  }
  return {
    kind: "refused",
    slot,
    reason: "cooling",
    message: `every backend of the slot ${slot.id} is cooling down`,
    hint: "it passes by itself; a fallback or another key would help",
    untilMs: Math.min(...deadlines),
  };
}

const refused = (slot: Slot | undefined, reason: RefusalReason, message: string, hint: string): Resolution => ({
  ...{ kind: "refused", slot, reason, message, hint },
});

const NO_PRICE = "it has no price, and there is a budget to keep";

type Blocked = Block & { attempt: Attempt };

/** What of a lane may be tried now, in its order; what may not is told to both. */
function openAttempts(
  lane: Lane,
  { health, nowMs, party }: Held,
  skipped: Skipped[],
  blocks: Blocked[],
): readonly Attempt[] {
  const { label } = lane;
  if (lane.problem !== null) {
    skipped.push({ label, why: lane.problem });
    return lane.attempts;
  }
  if (!health.any()) return lane.attempts;
  return lane.attempts.filter((attempt) => {
    const block = blockOf(attempt, health, nowMs, party);
    if (block === undefined) return true;
    blocks.push({ ...block, attempt });
    return false;
  });
}

/** The keys of one lane in the order of this request. */
function inTurn({ pool, label }: Lane, open: readonly Attempt[], input: Asked, skipped: Skipped[]): readonly Attempt[] {
  if (pool === null) return open;
  const names = open.map(({ keyName }) => keyName!);
  const order = arrange(pool, names, input.rotation, input.session);
  if (order.length === 0 && open.length > 0) skipped.push({ label, why: `pinned to ${pinOf(pool)}` });
  const cut = pool.policy.retries === null ? order : order.slice(0, pool.policy.retries);
  return cut === names ? open : cut.map((name) => open[names.indexOf(name)]!);
}

/** Backends known not to take what this request asks with come last: they are never left out, so nobody can shut another out. */
function fitFirst(
  attempts: readonly Attempt[],
  { dialect, members }: Asks,
  { health, nowMs, party }: Held,
): readonly Attempt[] {
  const names = members();
  const refusedBy = new Map<string, string[]>();
  for (const { backend } of attempts) {
    if (refusedBy.has(backend.label) || (dialect !== null && dialect !== backend.dialect)) continue;
    refusedBy.set(backend.label, refusedMembers(backend.label, names, health, nowMs, party));
  }
  const refusedOf = ({ backend }: Attempt) => refusedBy.get(backend.label) ?? [];
  const unfit = attempts.filter((attempt) => refusedOf(attempt).length > 0);
  if (unfit.length === 0) return attempts;
  const last = unfit.map((attempt) => ({
    ...attempt,
    why: `${attempt.why}, last: it does not take ${refusedOf(attempt).join(", ")}`,
  }));
  return [...attempts.filter((attempt) => !unfit.includes(attempt)), ...last];
}

type Held = Required<Pick<ResolveInput, "health" | "nowMs" | "party">>;
type Asked = { rotation: Rotation; session: string | null };

/** Decides the attempts. Never throws on input; what cannot be served is a refusal with its reason. */
export function resolve({
  requested,
  generation,
  keyNames,
  health = healthy,
  nowMs = 0,
  profile = null,
  party = partyOf({ profile }),
  asks,
  session = null,
  rotation = noRotation,
}: ResolveInput): Resolution {
  const view = viewOf(generation, profile);
  if (view === undefined) {
    const hint = "`broke profile list` shows the profiles, `broke team list` the teams";
    return refused(undefined, "unknown_profile", "there is no such profile, or its team is gone", hint);
  }
  const slot = slotOf(requested, generation) ?? slotServing(generation, view, requested);
  if (slot === undefined) {
    return refused(slot, "unknown_model", "unknown model", `ask for a slot: ${slotsToAskFor(generation, view)}`);
  }
  if (!allowsSlot(view.access, slot.id)) {
    const hint = `ask for: ${slotsToAskFor(generation, view)}`;
    return refused(slot, "not_allowed", `the slot ${slot.id} is not allowed here`, hint);
  }
  const plan = planOf(generation, view, slot.id, keyNames);
  if (plan === undefined) {
    const hint = `broke swap ${slot.id}=<backend>; \`broke models\` lists the backends`;
    return refused(slot, "slot_not_set", `no backend is set for the slot ${slot.id}`, hint);
  }
  const now = { health, nowMs, party, asks, rotation, session };
  if (health.any() || takesTurns(plan)) return arranged(slot, view, plan, now);
  let resolution = settled.get(plan);
  if (resolution === undefined) settled.set(plan, (resolution = arranged(slot, view, plan, now)));
  return resolution;
}

/** What a plan comes to while nothing is known of anybody's health and no policy chooses: always the same. */
const settled = new WeakMap<Plan, Resolution>();

function takesTurns({ lanes, pool, rest }: Plan): boolean {
  return pool !== null || lanes.some((lane) => lane.pool !== null) || rest.some((lane) => lane.pool !== null);
}

type Now = Asked & Held & { asks: Asks | undefined };

/** A plan's attempts in the order of this moment. */
function arranged(slot: Slot, view: View, plan: Plan, { health, nowMs, party, asks, ...asked }: Now): Resolution {
  const skipped: Skipped[] = [];
  const blocks: Blocked[] = [];
  const { rotation, session } = asked;
  const held = { health, nowMs, party };
  const { access } = view;
  const open = (lane: Lane): readonly Attempt[] => {
    const [first] = lane.attempts;
    if (first === undefined || mayCost(access, first.backend.price))
      return inTurn(lane, openAttempts(lane, held, skipped, blocks), asked, skipped);
    skipped.push({ label: lane.label, why: NO_PRICE });
    return [];
  };
  const first = plan.lanes.map(open);
  const { pool } = plan;
  let lanes = first.filter((attempts) => attempts.length > 0);
  if (pool !== null) {
    const labels = lanes.map((attempts) => attempts[0]!.backend.label);
    lanes = arrange(pool, labels, rotation, session).map((label) => lanes[labels.indexOf(label)]!);
  }
  if (pool?.policy.mode === "manual_pin") {
    for (const { label } of [...plan.lanes, ...plan.rest]) {
      if (label !== pinOf(pool)) skipped.push({ label, why: `pinned to ${pinOf(pool)}` });
    }
  } else lanes = [...lanes, ...plan.rest.map(open).filter((attempts) => attempts.length > 0)];
  if (pool !== null && pool.policy.retries !== null) lanes = lanes.slice(0, pool.policy.retries);
  const inOrder = lanes.length === 1 ? lanes[0]! : lanes.flat();
  const attempts = asks === undefined || lanes.length < 2 || !health.any() ? inOrder : fitFirst(inOrder, asks, held);
  if (attempts.length > 0) {
    // Only views ask for it; saying when each cooldown ends costs more than deciding.
    const blocked = () =>
      blocks.map((block) => ({ label: block.attempt.backend.label, why: whyBlocked(block.attempt, block) }));
    return {
      ...{ kind: "attempts", slot, view, attempts },
      get skipped() {
        return [...skipped, ...blocked()];
      },
    };
  }
  if (blocks.length > 0) return blockedRefusal(slot, blocks);
  const why = skipped[0]!;
  if (why.why === NO_PRICE) {
    const hint = "say it with `broke backend add … --price-input --price-output`, or what to charge with --unpriced";
    return refused(
      slot,
      "no_price",
      `the slot ${slot.id} cannot be served under a budget: ${why.label} has no price`,
      hint,
    );
  }
  const reason = why.why === "unknown backend" ? "unknown_backend" : "no_key";
  const hint = reason === "no_key" ? "put the key into .env in BROKE_HOME" : `broke swap ${slot.id}=<backend>`;
  return refused(slot, reason, `the slot ${slot.id} cannot be served: ${why.label}: ${why.why}`, hint);
}

/** In a hint: those that are set, since no other would be served; all where none is. */
function slotsToAskFor(generation: Generation, view: View): string {
  const allowed = allowedSlots(generation, view).map(({ id }) => id);
  const set = allowed.filter((id) => Object.hasOwn(view.slots, id));
  return (set.length === 0 ? allowed : set).join(", ");
}

/** The slots a caller may ask for, set or not. */
export function allowedSlots(generation: Generation, { access }: View): readonly Slot[] {
  return slotsOf(generation).filter(({ id }) => allowsSlot(access, id));
}
