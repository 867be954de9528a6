// Whom `broke` alone launches.

import type { State } from "./compose.ts";

/** The clients that can be it. */
export const agents = ["claude", "codex", "gemini"] as const;

/** The chosen one; Claude Code, if nobody chose. */
export function activeClient({ settings }: Pick<State, "settings">): string {
  return settings.get("client") ?? agents[0];
}
