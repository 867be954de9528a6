// What a caller's profile may use, held against what it has used: asked before anything is sent, once for every request, and only where there is a limit.
// Tokens and money are reserved by estimate; what was really used takes its place at the end, however the request ends.
// Does not stop: a request that answers with more than was reserved, which is counted, so that later ones wait.

import { type Caller, liveCaller } from "./caller.ts";
import type { Access } from "#src/routing/access.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { viewOf } from "#src/routing/view.ts";
import type { Amount, Hold, LimitName, Limits } from "#src/state/limits.ts";
import { estimateInputTokens } from "#src/wire/estimate.ts";
import { type Glance, glance } from "#src/wire/glance.ts";
import { errorTypeOf } from "#src/wire/errors.ts";
import type { Incoming } from "./incoming.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";
import type { Fault } from "./reply.ts";
import { asksOf } from "./incoming.ts";
import { refusalFault, resolveNow } from "./resolution.ts";
import { usageOf } from "./usage.ts";

/** Of an answer whose length nobody knows yet. Clients ask for the most a model can say, and rarely get it. */
const RESERVED_OUTPUT = 1_024;

const units: Record<LimitName, (limits: Limits) => string> = {
  rpm: ({ rpm }) => `${rpm} requests a minute`,
  tpm: ({ tpm }) => `${tpm} tokens a minute`,
  concurrency: ({ concurrency }) => `${concurrency} requests at once`,
  dailyUsd: ({ dailyUsd }) => `$${dailyUsd} a day (UTC)`,
};

const isLimited = ({ rpm, tpm, concurrency, dailyUsd }: Access) =>
  rpm > 0 || tpm > 0 || concurrency > 0 || dailyUsd > 0;

/** Whom limits are counted for. */
export const subjectOf = (profile: string | null) => (profile === null ? "live" : `profile ${profile}`);

const nothing: Amount = { tokens: 0, usd: 0 };
const MILLION = 1_000_000;

function costOf({ input, maxOutput }: Glance, limits: Limits, first: Attempt | undefined): Amount {
  const output = Math.min(maxOutput ?? RESERVED_OUTPUT, RESERVED_OUTPUT);
  const cost = { input, output, cacheRead: null, cacheWrite: null };
  const tokens = input + output;
  const known = usageOf(cost, first?.backend.price ?? null).costUsd;
  return { tokens, usd: known ?? (tokens * (limits.unpricedUsd ?? 0)) / MILLION };
}

function read(incoming: Incoming): Glance {
  const { request } = incoming.canonical();
  return { input: estimateInputTokens(request), maxOutput: request.maxTokens };
}

function limitFault(limit: LimitName, waitMs: number | null, limits: Limits, { dialect }: Incoming): Fault {
  const about = `the limit of ${units[limit](limits)}`;
  if (waitMs === null) {
    const message = `this request alone is over ${about}`;
    return { status: 429, type: "rate_limit", message, final: true };
  }
  const fault = { status: 429, type: errorTypeOf(429), message: `${about} is reached`, retryAfterMs: waitMs };
  if (limit !== "dailyUsd") return fault;
  // OpenAI's clients stop at this word; at the other they would sleep until midnight.
  const type = dialect.startsWith("openai") ? "billing" : "rate_limit";
  return { ...fault, type, final: true, exact: true };
}

const UNKNOWN_WAIT_MS = 1_000;
const unknownFault = (retryAfterMs: number): Fault => ({
  ...{ status: 503, type: errorTypeOf(503), retryAfterMs },
  message: "the shared state cannot be reached, so nobody knows what was used of the limits",
});

/** `unpricedUsd`: what a million tokens cost where nobody said. */
export type Allowed =
  { kind: "free" } | { kind: "held"; hold: Hold; unpricedUsd: number } | { kind: "refused"; fault: Fault };

type Asking = { incoming: Incoming; access: Access; first: Attempt | undefined; counted: boolean };

async function takePlace(
  deps: GatewayDeps,
  caller: Caller,
  { incoming, access, first, counted }: Asking,
): Promise<Allowed> {
  const limits = counted ? { ...access, tpm: 0 } : access;
  const isMeasured = !counted && (limits.tpm > 0 || limits.dailyUsd > 0);
  const take = (need: Amount) => deps.limits.take(subjectOf(caller.profile), limits, need);
  const seen = isMeasured ? glance(incoming.body, incoming.dialect) : undefined;
  const atOnce = seen === undefined ? undefined : await take(costOf(seen, limits, first));
  // A glance sees rather too much: nobody is refused by it.
  const taken =
    atOnce !== undefined && atOnce.kind !== "refused"
      ? atOnce
      : await take(isMeasured ? costOf(read(incoming), limits, first) : nothing);
  if (taken.kind === "held") return { ...taken, unpricedUsd: access.unpricedUsd ?? 0 };
  if (taken.kind === "unknown") return { kind: "refused", fault: unknownFault(taken.waitMs) };
  return { kind: "refused", fault: limitFault(taken.limit, taken.waitMs, limits, incoming) };
}

/**
 * Takes the request's place. What the resolver would not serve anyway takes none, and is refused in the resolver's words. `counted`: nothing is
 * generated, as of a count of tokens.
 */
export function takeAllowance(
  incoming: Incoming,
  deps: GatewayDeps,
  caller: Caller = liveCaller,
  counted = false,
): Allowed | Promise<Allowed> {
  if (deps.isClosed?.() === true) return { kind: "refused", fault: unknownFault(UNKNOWN_WAIT_MS) };
  const access = viewOf(deps.generations.current(), caller.profile)?.access;
  if (access === undefined || !isLimited(access)) return { kind: "free" };
  const { resolution, nowMs } = resolveNow(incoming.model, deps, caller, asksOf(incoming));
  if (resolution.kind === "refused" && resolution.reason !== "cooling")
    return { kind: "refused", fault: refusalFault(resolution, nowMs) };
  const first = resolution.kind === "attempts" ? resolution.attempts[0] : undefined;
  return takePlace(deps, caller, { incoming, access, first, counted });
}

/**
 * What a request used: what the provider said, else what was reserved, or what was seen to come. A client that goes away before the provider has said it
 * pays all the same. Null: nobody was asked.
 */
export function usedBy(report: RequestReport, seenTokens: number, need: Amount, unpricedUsd = 0): Amount | null {
  if (report.attempts === 0 && report.status !== 200) return null;
  const { status, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd } = report;
  const answered = status === 200 || status === 499 || status === 502;
  if (!answered) return nothing;
  if (status === 200 && inputTokens !== null && outputTokens !== null) {
    const tokens = inputTokens + outputTokens + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
    return { tokens, usd: costUsd ?? (tokens * unpricedUsd) / MILLION };
  }
  const known = (inputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  const tokens = Math.max(need.tokens, known + Math.max(outputTokens ?? 0, seenTokens));
  // In proportion: what came beyond the reserve costs as much as the reserve did.
  const usd = need.tokens === 0 ? need.usd : (need.usd * tokens) / need.tokens;
  return { tokens, usd: Math.max(usd, costUsd ?? 0) };
}
