// `broke sandbox set <profile>`: an unknown word is an error, never something weaker.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Choose the sandbox profile that clients are launched in",
  args: { profile: { type: "positional", description: "strict, hardened or normal" } },
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { profileOf } = await import("#sandbox/profile.ts");
    const { name } = profileOf(values.profile![0]!);
    openState().settings.set("sandbox", name);
    answer(name);
    return 0;
  },
};
