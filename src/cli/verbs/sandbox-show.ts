// `broke sandbox`: the profile that clients are launched in unless told otherwise.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show the sandbox profile that clients are launched in",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const profile = openState().settings.get("sandbox") ?? "strict";
    if (flags.has("json")) answerJson({ profile });
    else answer(profile);
    return 0;
  },
};
