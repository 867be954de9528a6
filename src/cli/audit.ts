// The launch audit under BROKE_HOME, opened for the verbs that read or mend it.

import type { AuditLog } from "#harness/audit.ts";

/** Opens it. */
export async function openLaunchAudit(): Promise<AuditLog> {
  const { openState } = await import("./compose.ts");
  const { openAudit } = await import("#harness/audit.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const { systemClock } = await import("#src/core/clock.ts");
  const state = openState();
  return openAudit({
    file: state.home.audit,
    heads: state.heads,
    keys: signingKeys(state.home),
    clock: systemClock,
  });
}
