// Members of a body that name further models for the provider to go on to by itself (OpenRouter's `models` and `preset`, Anthropic's `fallbacks`, other
// gateways' words): which model answers, and what it costs, is the operator's to say, so they do not go on. Translation never carries them.
// Does not stop: a provider from answering with another model than it was asked for; that shows as drift.

import type { Loss } from "./losses.ts";
import { namesAmong, spliceTopLevel } from "./splice.ts";

const NAMES = ["models", "route", "preset", "fallbacks", "fallback_models"];
/** What was read of a body, and so must not be there a second time in other letters. */
const READ = ["model", "stream"];

/** The body without them, the same one where it has none, and what was taken out. Throws `usage` when one is there twice, or in other letters. */
export function withoutOtherModels(body: Uint8Array): { body: Uint8Array; losses: Loss[] } {
  const found = namesAmong(body, NAMES, READ);
  if (found.length === 0) return { body, losses: [] };
  return {
    body: found.reduce<Uint8Array>((left, name) => spliceTopLevel(left, { [name]: undefined }), body),
    losses: found.map((what) => ({ path: what, what, why: "which model answers is the operator's to say" })),
  };
}
