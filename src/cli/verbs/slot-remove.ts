// `broke slot remove <id>`: with what was set for it.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Remove a slot of your own",
  args: {
    id: { type: "positional", description: "its name" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { removeSlot } = await import("#src/routing/edit-policies.ts");
    const id = values["id"]![0]!;
    const { id: generation } = await edited(openState(), ({ generations }) =>
      generations.commit(`slot remove ${id}`, (routing) => removeSlot(routing, id)),
    );
    if (flags.has("json")) answerJson({ generation, removed: id });
    else answer(`removed ${id}`);
    return 0;
  },
};
