// Records what happens while a client runs, on behalf of callers that could do nothing about a failure: the gateway, the reader of the event
// pipe. A run that is not recorded must not go on, so the first failure ends it.

import type { Json } from "#src/core/json.ts";
import type { Ledger } from "./ledger.ts";

export type Recorder = {
  append(event: string, data: Record<string, Json>): void;
  /** Whether something could not be recorded. */
  failed(): boolean;
  /** What to do at the first failure; done at once when there was one already. */
  onFailure(act: () => void): void;
};

/** A recorder on an open ledger. */
export function makeRecorder(ledger: Pick<Ledger, "append">): Recorder {
  let failed = false;
  let end = () => {};
  return {
    append(event, data) {
      try {
        ledger.append(event, data);
      } catch {
        failed = true;
        end();
      }
    },
    failed: () => failed,
    onFailure(act) {
      end = act;
      if (failed) act();
    },
  };
}
