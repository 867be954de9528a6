// `broke provider swap <client>`: whom `broke` alone launches from now on.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Choose the client that `broke` alone launches",
  args: { client: { type: "positional", required: false, description: "claude, codex or gemini; picked, if none" } },
  async run({ values }) {
    const { agents } = await import("../active.ts");
    const { isAsked, pickOne } = await import("../pick.ts");
    if (values.client === undefined && !isAsked())
      throw new BrokeError("usage", "<client> is missing", agents.join(", "));
    const picked = values.client === undefined ? pickOne("which client", agents) : undefined;
    const client = values.client?.[0] ?? (picked === undefined ? undefined : agents[picked]);
    if (client === undefined) return 1;
    if (!agents.some((known) => known === client)) {
      const guess = nearest(client, agents);
      throw new BrokeError(
        "usage",
        "unknown client",
        guess === undefined ? agents.join(", ") : `did you mean ${guess}?`,
      );
    }
    const { openState } = await import("../compose.ts");
    openState().settings.set("client", client);
    answer(client);
    return 0;
  },
};
