// `broke sandbox`: the profile that clients are launched in unless told otherwise, and the others, a line each.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "Show the sandbox profile that clients are launched in, and what others there are",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { profileNotes } = await import("#sandbox/profile-notes.ts");
    const { profileNames } = await import("#sandbox/profile.ts");
    const profile = openState().settings.get("sandbox") ?? "strict";
    const profiles = profileNames.map((name) => ({ name, summary: profileNotes[name].summary }));
    if (flags.has("json")) answerJson({ profile, profiles });
    else answer(table(profiles.map(({ name, summary }) => [name === profile ? "*" : " ", name, summary])));
    return 0;
  },
};
