// `broke harness discard <run>`: removes the copy or clone a run worked on; its record stays.

import type { Verb } from "../front.ts";
import { note } from "../output.ts";

export const verb: Verb = {
  description: "Remove the copy or worktree a run worked on, taken over or not; its record stays",
  args: { run: { type: "positional", description: "run id" } },
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { discardTree } = await import("#harness/work-tree.ts");
    discardTree(openState().home, values.run![0]!);
    note("removed");
    return 0;
  },
};
