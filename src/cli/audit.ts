// The launch audit under BROKE_HOME, opened for the verbs that read or mend it.

import type { AuditLog } from "#harness/audit.ts";
import type { State } from "./compose.ts";

/** Opens it. */
export async function openLaunchAudit(opened?: State): Promise<AuditLog> {
  const { openAudit } = await import("#harness/audit.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const { systemClock } = await import("#src/core/clock.ts");
  const state = opened ?? (await import("./compose.ts")).openState();
  return openAudit({
    file: state.home.audit,
    heads: state.heads,
    keys: signingKeys(state.home),
    clock: systemClock,
  });
}
