// `broke snapshot restore <snapshot>`: all of it at once, with the next request; what was live can be had back by its generation's snapshot.

import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Make a snapshot the live routing, all of it at once; what is live is saved first",
  args: {
    snapshot: { type: "positional", description: "number in the list, name, or beginning of its hash" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { generations, snapshots } = openState();
    const { hash, routing } = snapshots.find(values.snapshot![0]!);
    snapshots.save(generations.current(), null);
    const short = hash.slice(0, 12);
    return commitEdit(`snapshot restore ${short}`, flags, `snapshot ${short} is live`, () => routing);
  },
};
