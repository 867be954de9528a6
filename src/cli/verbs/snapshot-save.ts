// `broke snapshot save [name]`: all of the routing as it is now, known by what is in it.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Save all of the routing as it is now",
  args: {
    name: { type: "positional", required: false, description: "a name for it" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { checkSnapshotName } = await import("#src/state/snapshots.ts");
    const name = values.name?.[0] ?? null;
    if (name !== null) checkSnapshotName(name);
    const { generations, snapshots } = openState();
    const saved = snapshots.save(generations.current(), name);
    if (flags.has("json")) answerJson(saved);
    else answer(`${saved.hash.slice(0, 12)}${saved.fresh ? "" : " (saved already)"}`);
    return 0;
  },
};
