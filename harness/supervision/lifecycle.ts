// The states of a run and what leads from one to the other, as one table: the same for the supervisor, for its operator and for whoever finds a run
// whose supervisor is gone. Pure.

import type { RunStatus } from "#src/state/runs.ts";

export const acts = ["launch", "interrupt", "resume", "complete", "fail", "abandon"] as const;
export type Act = (typeof acts)[number];

const table: Partial<Record<RunStatus, Partial<Record<Act, RunStatus>>>> = {
  registered: { launch: "launched", complete: "completed", fail: "failed_launch", abandon: "abandoned" },
  // A worker that is sent back is launched once more.
  launched: {
    launch: "launched",
    interrupt: "interrupted",
    complete: "completed",
    fail: "abandoned",
    abandon: "abandoned",
  },
  interrupted: {
    interrupt: "interrupted",
    resume: "resumed",
    complete: "completed",
    fail: "abandoned",
    abandon: "abandoned",
  },
  resumed: {
    ...{ launch: "launched", interrupt: "interrupted", resume: "resumed" },
    ...{ complete: "completed", fail: "abandoned", abandon: "abandoned" },
  },
};

/** The state an act leads to; undefined where it cannot be done. An act that changes nothing leads to the state itself. */
export function after(status: RunStatus, act: Act): RunStatus | undefined {
  if (status === "launched" && act === "resume") return "launched";
  return table[status]?.[act];
}
