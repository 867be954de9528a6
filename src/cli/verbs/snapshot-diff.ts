// `broke snapshot diff <snapshot> [other]`: what would change from the first to the second, or to what is live.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show what changed since a snapshot, or between two",
  args: {
    snapshot: { type: "positional", description: "number in the list, name, or beginning of its hash" },
    other: { type: "positional", required: false, description: "another one; what is live, if none" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { describeDifference, differences } = await import("#src/routing/difference.ts");
    const { generations, snapshots } = openState();
    const before = snapshots.find(values.snapshot![0]!).routing;
    const after = values.other === undefined ? generations.current() : snapshots.find(values.other[0]!).routing;
    const changes = differences(before, after);
    if (flags.has("json")) answerJson(changes);
    else answer(changes.length === 0 ? "no difference" : changes.map(describeDifference).join("\n"));
    return changes.length === 0 ? 0 : 1;
  },
};
