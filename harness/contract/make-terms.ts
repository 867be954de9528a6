// The terms of a run from the layers they were said in, and what tightens them: a trusted project's file and doctrines.

import { BrokeError } from "#src/core/errors.ts";
import type { Stack } from "../doctrine/compose.ts";
import { resolveDoctrines } from "../doctrine/resolve.ts";
import { policyNames, risks } from "../verdict/policies.ts";
import type { Layer } from "./document.ts";
import { type Bounds, isWeaker, termsOf, tighten } from "./layers.ts";
import { readPlanning, readTask } from "./sources.ts";
import type { Task, Terms } from "./terms.ts";

/** Options say outright what doctrines do not allow: one of the two is a mistake. */
function refuseWeaker({ policy, risk, retries = null }: Layer, stack: Stack): void {
  const names = stack.doctrines.map(({ name }) => name).join(",");
  const refuse = (option: string, than: string): never => {
    throw new BrokeError("usage", `${option} is ${than}, which ${names} hold`, "leave out one of them");
  };
  if (isWeaker(policyNames, policy, stack.policy)) refuse(`--policy ${policy}`, `less than ${stack.policy}`);
  if (isWeaker(risks, risk, stack.risk)) refuse(`--risk ${risk}`, `less than ${stack.risk}`);
  if (retries !== null && stack.retries !== null && retries > stack.retries)
    refuse(`--retries ${retries}`, `more than ${stack.retries}`);
}

function withPlanning(task: Task | null, workspace: string): Task | null {
  if (task === null || task.source === "gsd") return task;
  return { ...task, quoted: [...task.quoted, ...readPlanning(workspace)] };
}

export type MadeTerms = { terms: Terms; timeoutMs: number | null };

/**
 * `layer` is everything that was said, `options` what was said for this launch alone. `timeoutMs`: the run may take no longer. Throws `usage` for
 * what contradicts itself, `denied` for doctrines that do.
 */
export function makeTerms(
  layer: Layer,
  at: { bounds: Bounds | null; options: Layer; workspace: string; env: Record<string, string | undefined> },
): MadeTerms {
  const said = termsOf(layer, readTask(layer, at));
  const held = at.bounds === null ? said : tighten(said, at.bounds);
  if (layer.doctrines === undefined) return { terms: held, timeoutMs: null };
  const stack = resolveDoctrines(layer.doctrines);
  refuseWeaker(at.options, stack);
  const task = stack.planning ? withPlanning(held.task, at.workspace) : held.task;
  return { terms: { ...tighten(held, stack), task, doctrines: stack.doctrines }, timeoutMs: stack.timeoutMs };
}
