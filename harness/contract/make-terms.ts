// The terms of a run from the layers they were said in, and what tightens them: a trusted project's file and doctrines.

import type { Layer } from "./document.ts";
import { type Bounds, termsOf, tighten } from "./layers.ts";
import { readTask } from "./sources.ts";
import type { Terms } from "./terms.ts";

/**
 * `layer` is everything that was said, `asked` what was said for this launch or by the operator's file, without what is only stored. Throws `usage`
 * for what contradicts itself.
 */
export function makeTerms(
  layer: Layer,
  at: { bounds: Bounds | null; asked: Layer; workspace: string; env: Record<string, string | undefined> },
): Terms {
  const said = termsOf(layer, readTask(layer, at));
  return at.bounds === null ? said : tighten(said, at.bounds);
}
