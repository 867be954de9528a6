// Members that one backend refuses (`unsupported` in its quirks), taken out of a body made for it. One that says what holds without it is not missed:
// models that reason refuse a temperature, and have the usual one.

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import type { Quirks } from "./quirks.ts";

/** What the dialects' references call the default. */
const USUAL: { [member: string]: Json } = {
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
};

/** The body without them; each one that is missed is a loss. */
export function withoutUnsupported(
  body: { [member: string]: Json },
  { unsupported }: Pick<Quirks, "unsupported">,
  losses: LossList,
): { [member: string]: Json } {
  if (unsupported.length === 0) return body;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => {
      if (!unsupported.includes(name)) return true;
      if (value !== USUAL[name]) losses.add(name, name, "the backend does not take it");
      return false;
    }),
  );
}
