// `broke profile delete <name>`.

import { commitEdit } from "../edit.ts";
import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Delete a profile; tokens bound to it are refused from then on",
  args: {
    name: { type: "positional", description: "name of the profile" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const name = values.name![0]!;
    const { deleteProfile } = await import("#src/routing/presets.ts");
    return commitEdit(`profile delete ${name}`, flags, `profile ${name} deleted`, (routing) =>
      deleteProfile(routing, name),
    );
  },
};
