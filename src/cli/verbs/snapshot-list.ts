// `broke snapshot list`: the newest first; the one that is live is marked.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the snapshots",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { hashOf } = await import("#src/state/snapshots.ts");
    const { isoTime } = await import("#src/core/clock.ts");
    const { generations, snapshots } = openState();
    const now = hashOf(generations.current());
    const all = snapshots.list().map((snapshot, index) => ({ index, ...snapshot, live: snapshot.hash === now }));
    if (flags.has("json")) answerJson(all);
    else if (all.length === 0) answer("none yet; `broke snapshot save`");
    else {
      const rows = all.map(({ index, hash, name, createdMs, live }) => [
        ...[String(index), hash.slice(0, 12), isoTime(createdMs), name ?? "", live ? "live" : ""],
      ]);
      answer(table([["#", "SNAPSHOT", "SAVED", "NAME", ""], ...rows]));
    }
    return 0;
  },
};
