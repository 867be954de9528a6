// What doctrines hold a run to, in lines for a person. Pure.

import type { Stack } from "./compose.ts";

/** A line for each thing that is held. */
export function boundsText(stack: Omit<Stack, "doctrines">): string[] {
  const { policy, risk, retries, budget, mustVerify, required, allowed, forbidden, timeoutMs, planning } = stack;
  return [
    `policy at least ${policy}, risk at least ${risk}`,
    ...(mustVerify ? ["a verification command is wanted"] : []),
    ...(required.length > 0 ? [`${required.join(" and ")} must answer`] : []),
    ...(retries === null ? [] : [`retries at most ${retries}`]),
    ...(budget.turns === null ? [] : [`turns at most ${budget.turns}`]),
    ...(budget.tokens === null ? [] : [`tokens at most ${budget.tokens}`]),
    ...(budget.cost === null ? [] : [`costs at most $${budget.cost}`]),
    ...(timeoutMs === null ? [] : [`takes at most ${timeoutMs / 60_000} min`]),
    ...allowed.map((paths) => `may change: ${paths.join(", ")}`),
    ...(forbidden.length > 0 ? [`must not change: ${forbidden.join(", ")}`] : []),
    ...(planning ? [".planning is quoted to the worker"] : []),
  ];
}
