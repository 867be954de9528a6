// The states of a run: which act leads where, that what is over stays over, and that acts said twice change nothing.

import { describe, expect, test } from "bun:test";
import { type Act, acts, after } from "#harness/supervision/lifecycle.ts";
import { isGoing, type RunStatus, runStatuses } from "#src/state/runs.ts";

const rows: Record<RunStatus, Partial<Record<Act, RunStatus>>> = {
  registered: { launch: "launched", complete: "completed", fail: "failed_launch", abandon: "abandoned" },
  launched: {
    ...{ launch: "launched", interrupt: "interrupted", resume: "launched" },
    ...{ complete: "completed", fail: "abandoned", abandon: "abandoned" },
  },
  interrupted: {
    ...{ interrupt: "interrupted", resume: "resumed" },
    ...{ complete: "completed", fail: "abandoned", abandon: "abandoned" },
  },
  resumed: {
    ...{ launch: "launched", interrupt: "interrupted", resume: "resumed" },
    ...{ complete: "completed", fail: "abandoned", abandon: "abandoned" },
  },
  completed: {},
  failed_launch: {},
  abandoned: {},
};

describe("transitions", () => {
  for (const status of runStatuses)
    for (const act of acts)
      test(`${status}, ${act}: ${rows[status][act] ?? "no"}`, () =>
        expect(after(status, act)).toBe(rows[status][act]!));
});

test("an act said twice changes nothing more", () => {
  for (const status of runStatuses)
    for (const act of acts) {
      const once = after(status, act);
      if (once !== undefined && isGoing(once)) expect(after(once, act)).toBe(once);
    }
});

test("what has ended, and only that, leads nowhere", () => {
  for (const status of runStatuses) expect(acts.some((act) => after(status, act) !== undefined)).toBe(isGoing(status));
});
