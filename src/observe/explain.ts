// What the resolver's answer follows from. It asks the resolver and looks at the generation; it decides nothing.

import { findBackend } from "#src/routing/backends.ts";
import { keyPolicyOf } from "#src/routing/candidates.ts";
import { slotOf } from "#src/routing/slots.ts";
import type { Policy } from "#src/routing/policy.ts";
import { viewOf } from "#src/routing/view.ts";
import { fallbackOf } from "#src/routing/fallback.ts";
import { describeRoute, type Known, type RouteView } from "./routes.ts";

export type Explanation = {
  route: RouteView;
  /** As it is shown. */
  chain: string | null;
  modelPolicy: Policy | null;
  keyPolicy: Policy | null;
  drift: { backend: string; pinned: boolean | null }[];
  held: { label: string; why: string }[];
};

/** For a slot or a client's model name. */
export function explain(requested: string, known: Known): Explanation {
  const { generation } = known;
  const route = describeRoute(requested, known);
  const view = viewOf(generation, known.profile ?? null);
  const slot = route.slot ?? slotOf(requested, generation)?.id;
  const label =
    view !== undefined && slot !== undefined && Object.hasOwn(view.slots, slot) ? view.slots[slot] : undefined;
  const backend = label === undefined ? undefined : findBackend(generation, label);
  const chain = view === undefined || label === undefined ? undefined : fallbackOf(view, slot!);
  const labels = label === undefined ? [] : [label, ...(chain?.labels ?? [])];
  return {
    route,
    chain: label === undefined ? null : `${labels.join(" → ")}${chain === undefined ? "" : ` [${chain.scope}]`}`,
    modelPolicy:
      slot !== undefined && Object.hasOwn(generation.modelPolicies, slot) ? generation.modelPolicies[slot]! : null,
    keyPolicy: backend === undefined ? null : (keyPolicyOf(generation, backend) ?? null),
    drift: labels.map((name) => ({ backend: name, pinned: findBackend(generation, name)?.pinned ?? null })),
    held: route.kind === "refused" ? [] : route.skipped,
  };
}
