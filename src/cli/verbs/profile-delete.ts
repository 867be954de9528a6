// `broke profile delete <name>`.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Delete a profile; tokens bound to it are refused from then on",
  args: {
    name: { type: "positional", description: "name of the profile" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const name = values.name![0]!;
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { deleteProfile } = await import("#src/routing/presets.ts");
    const state = openState();
    // In one transaction: a profile of the same name, made later, is not what these tokens were given for.
    const { id, revoked } = await edited(state, ({ db, generations, tokens }) =>
      db
        .transaction(() => {
          const { id } = generations.commit(`profile delete ${name}`, (routing) => deleteProfile(routing, name));
          return { id, revoked: tokens.revokeOf(name) };
        })
        .immediate(),
    );
    const said = revoked === 0 ? "" : `, ${revoked} ${revoked === 1 ? "token" : "tokens"} revoked`;
    if (flags.has("json")) answerJson({ generation: id, revoked });
    else answer(`generation ${id}: profile ${name} deleted${said}`);
    return 0;
  },
};
