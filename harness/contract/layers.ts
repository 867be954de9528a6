// The layers of a contract laid on one another: what comes later says it instead of what came before, and what only tightens (a project's file,
// doctrines) is laid over the result and can never make it looser. Pure.

import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { addFlags } from "#sandbox/permission-sets.ts";
import { BrokeError } from "#src/core/errors.ts";
import { policyNames, reviewers, risks } from "../verdict/policies.ts";
import { usualCredential } from "../routes.ts";
import type { Layer } from "./document.ts";
import { noTerms, type Task, type Terms } from "./terms.ts";

/** One on top of the other; permissions add up, limits are replaced one by one. */
export function layOn(under: Layer, over: Layer): Layer {
  const both = (a: PermissionFlags | undefined, b: PermissionFlags | undefined) =>
    a === undefined || b === undefined ? (b ?? a) : addFlags(a, b);
  const permissions = both(under.permissions, over.permissions);
  const limits = { ...under.limits, ...over.limits };
  return {
    ...under,
    ...over,
    ...(permissions === undefined ? {} : { permissions }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

/** What a layer says of the terms; of doctrines nothing, which only tighten. */
export function termsOf(layer: Layer, task: Task | null): Terms {
  return {
    ...noTerms,
    task,
    policy: layer.policy ?? noTerms.policy,
    risk: layer.risk ?? noTerms.risk,
    retries: layer.retries ?? noTerms.retries,
    verification: layer.verification ?? [],
    allowed: layer.allowed === undefined ? [] : [layer.allowed],
    forbidden: layer.forbidden ?? [],
    roles: layer.roles ?? noTerms.roles,
    budget: { turns: layer.turns ?? null, tokens: layer.tokens ?? null, cost: layer.cost ?? null },
    route: layer.route ?? noTerms.route,
    credential: layer.credential ?? usualCredential(layer.route ?? noTerms.route),
  };
}

/** What may only tighten: at least so strict, at most so often. */
export type Bounds = Pick<
  Terms,
  "policy" | "risk" | "retries" | "budget" | "mustVerify" | "verification" | "allowed" | "forbidden" | "required"
>;

const later = <Word>(order: readonly Word[], a: Word, b: Word): Word => (order.indexOf(a) >= order.indexOf(b) ? a : b);
/** Whether something is said, and less than what is wanted. */
export const isWeaker = <Word>(order: readonly Word[], said: Word | undefined, wanted: Word | undefined): boolean =>
  said !== undefined && wanted !== undefined && order.indexOf(said) < order.indexOf(wanted);
const fewer = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));
const joined = <Item>(a: readonly Item[], b: readonly Item[]): Item[] => [...new Set([...a, ...b])];

/** The terms within bounds: of each the stricter. */
export function tighten<Held extends Bounds>(terms: Held, by: Bounds): Held {
  return {
    ...terms,
    policy: later(policyNames, terms.policy, by.policy),
    risk: later(risks, terms.risk, by.risk),
    retries: fewer(terms.retries, by.retries),
    budget: {
      turns: fewer(terms.budget.turns, by.budget.turns),
      tokens: fewer(terms.budget.tokens, by.budget.tokens),
      cost: fewer(terms.budget.cost, by.budget.cost),
    },
    mustVerify: terms.mustVerify || by.mustVerify,
    verification: joined(terms.verification, by.verification),
    allowed: [...terms.allowed, ...by.allowed],
    forbidden: joined(terms.forbidden, by.forbidden),
    required: reviewers.filter((role) => terms.required.includes(role) || by.required.includes(role)),
  };
}

/** Whether `a` is nowhere looser than `b`. */
export function isAsStrict(a: Bounds, b: Bounds): boolean {
  const atMost = (x: number | null, y: number | null) => y === null || (x !== null && x <= y);
  const holds = <Item>(all: readonly Item[], some: readonly Item[]) => some.every((item) => all.includes(item));
  const lists = (terms: Bounds) => terms.allowed.map((list) => JSON.stringify(list));
  return (
    later(policyNames, a.policy, b.policy) === a.policy &&
    later(risks, a.risk, b.risk) === a.risk &&
    atMost(a.retries, b.retries) &&
    atMost(a.budget.turns, b.budget.turns) &&
    atMost(a.budget.tokens, b.budget.tokens) &&
    atMost(a.budget.cost, b.budget.cost) &&
    (a.mustVerify || !b.mustVerify) &&
    holds(a.verification, b.verification) &&
    holds(lists(a), lists(b)) &&
    holds(a.forbidden, b.forbidden) &&
    holds(a.required, b.required)
  );
}

/** What a project's own file may say: what makes it stricter for everybody. */
const narrowing: ReadonlySet<string> = new Set<keyof Layer>([
  ...(["policy", "risk", "retries", "turns", "tokens", "cost", "verification", "allowed", "forbidden"] as const),
]);

/** A project's layer as bounds. Throws `usage` for what a project has no say in. */
export function boundsOf(where: string, layer: Layer): Bounds {
  const other = Object.keys(layer).find((key) => !narrowing.has(key));
  if (other !== undefined)
    throw new BrokeError(
      "usage",
      `${where}: a project may only narrow, and this has a say in ${other}`,
      "policy, risk, retries, max-turns, max-tokens, max-cost, verify, allowed-paths and forbidden-paths are its to say",
    );
  return termsOf(layer, null);
}
