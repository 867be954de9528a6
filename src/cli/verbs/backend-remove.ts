// `broke backend remove <label>`.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Remove one of your backends",
  args: { label: { type: "positional", description: "its name" } },
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { removeBackend } = await import("#src/routing/edit.ts");
    const label = values.label![0]!;
    await edited(openState(), ({ generations }) =>
      generations.commit(`backend remove ${label}`, (routing) => removeBackend(routing, label)),
    );
    answer(`removed ${label}`);
    return 0;
  },
};
