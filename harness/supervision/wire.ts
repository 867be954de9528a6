// What an operator's command and a run's supervisor say to each other on the run's own socket: one line of JSON each way; after an attach the
// client's output, as it is, until it ends.

import * as v from "valibot";
import { join } from "node:path";
import { isRunId } from "#src/core/ids.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Home } from "#src/state/paths.ts";
import { runStatuses } from "#src/state/runs.ts";
import { operatorActs } from "../governor/state.ts";

export const requests = ["interrupt", "resume", "kill", "attach", "reattach", ...operatorActs] as const;
export const requestSchema = v.strictObject({ act: v.picklist(requests) });
export type Request = v.InferOutput<typeof requestSchema>["act"];

/** `changed` false: it was so already. */
export const replySchema = v.variant("ok", [
  v.object({ ok: v.literal(true), status: v.picklist(runStatuses), changed: v.boolean(), terminal: v.boolean() }),
  v.object({ ok: v.literal(false), reason: v.string() }),
]);
export type Reply = v.InferOutput<typeof replySchema>;

export const MAX_LINE_BYTES = 4096;

/** Beside the daemon's own: a path in a run's folder can be too long for a socket's name. Throws `usage` on anything that is not a run id. */
export function controlSocket(home: Pick<Home, "live">, runId: string): string {
  if (!isRunId(runId)) throw new BrokeError("usage", "not a run id", "`broke harness list` shows the runs");
  return join(home.live, `${runId}.sock`);
}
