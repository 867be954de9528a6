// Looks at the installation, the machine and the state, a line each: `doctor` joins every folder's list of them, a launch makes those it depends on.

import { BrokeError } from "./errors.ts";

/** `repaired`: it was wrong and no longer is. `warning`: it works, and somebody should know. */
export type Finding = { status: "ok" | "repaired" | "warning"; detail: string; hint?: string };

/** A look at one thing. What is wrong with it is thrown, as a `BrokeError` that names the remedy. */
export type Check = { id: string; run(): Finding | Promise<Finding> };

export type Checked = { id: string; status: Finding["status"] | "failed"; detail: string; hint?: string };

export const ok = (detail: string): Finding => ({ status: "ok", detail });
export const warning = (detail: string, hint?: string): Finding => ({
  status: "warning",
  detail,
  ...(hint === undefined ? {} : { hint }),
});

/** Makes every check, one after the other; a failed one does not keep the others from being made. */
export async function runChecks(checks: readonly Check[]): Promise<Checked[]> {
  const made: Checked[] = [];
  for (const { id, run } of checks) {
    try {
      made.push({ id, ...(await run()) });
    } catch (error) {
      if (!(error instanceof BrokeError)) throw error;
      const { message, hint } = error;
      made.push({ id, status: "failed", detail: message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return made;
}
