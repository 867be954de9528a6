// `broke token list`: by name, never a token; nothing that is kept could show one.

import { isoTime } from "#src/core/clock.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

const time = (ms: number | null, none: string) => (ms === null ? none : isoTime(ms).slice(0, 16));

export const verb: Verb = {
  description: "List the tokens bound to profiles",
  args: {
    all: { type: "boolean", description: "those that were revoked too" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const tokens = openState()
      .tokens.list()
      .filter(({ state }) => flags.has("all") || state !== "revoked");
    if (flags.has("json")) answerJson(tokens);
    else if (tokens.length === 0) answer("none; `broke connect --profile NAME` binds one");
    else {
      const rows = tokens.map(({ name, profile, state, createdMs, expiresMs, usedMs }) => [
        ...[name, profile, state, time(createdMs, "")],
        ...[time(expiresMs, "never"), time(usedMs, "never")],
      ]);
      answer(table([["TOKEN", "PROFILE", "STATE", "CREATED", "EXPIRES", "LAST USED"], ...rows]));
    }
    return 0;
  },
};
