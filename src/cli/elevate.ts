// The operator's word for lending a worker a key: asked for on the terminal, or said in the environment where nobody sits. Never a default, never
// stored, and only for as long as it says.

import { BrokeError } from "#src/core/errors.ts";
import type { RunContract } from "#harness/contract/contract.ts";
import { note } from "./output.ts";
import { readLine } from "./pick.ts";

export type Elevate = { asked: boolean; duration: string | undefined };

const USUAL = "1h";

/** The lease, or null where nobody gave it. */
export async function confirmLease(
  elevate: Elevate | undefined,
  terminal: boolean,
  env: Record<string, string | undefined>,
): Promise<RunContract["lease"]> {
  const { parseTimeout } = await import("#sandbox/limits.ts");
  const { duration = USUAL } = elevate ?? {};
  if (elevate?.asked !== true) {
    if (elevate?.duration !== undefined) throw new BrokeError("usage", "--elevate-for is for --elevated", "add it");
    return null;
  }
  const ms = parseTimeout(duration);
  if (!terminal) return env["BROKE_ELEVATE"] === "1" ? { by: "environment", untilMs: Date.now() + ms } : null;
  note(`the worker will hold a key of yours, for ${duration} at most, and could keep it; type lend to go on`);
  return readLine() === "lend" ? { by: "terminal", untilMs: Date.now() + ms } : null;
}
