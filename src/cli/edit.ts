// A verb that edits the routing: one commit, and one line that says so.

import type { Routing } from "#src/routing/generation.ts";
import { answer, answerJson } from "./output.ts";

/** Commits the change and tells its generation. */
export async function commitEdit(
  reason: string,
  flags: ReadonlySet<string>,
  said: string,
  change: (routing: Routing) => Routing,
): Promise<number> {
  const { openState } = await import("./compose.ts");
  const { edited } = await import("./shared.ts");
  const { id } = await edited(openState(), ({ generations }) => generations.commit(reason, change));
  if (flags.has("json")) answerJson({ generation: id });
  else answer(`generation ${id}: ${said}`);
  return 0;
}
