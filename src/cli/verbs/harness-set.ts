// `broke harness set <policy>`: what every later launch is held to, unless it says more.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Choose the policy that launches are held to, `broke claude` and the like too",
  args: { policy: { type: "positional", description: "off, throughput, balanced or high_assurance" } },
  async run({ values }) {
    const { oneOf } = await import("#harness/verdict/ask.ts");
    const { policyNames } = await import("#harness/verdict/policies.ts");
    const { openState } = await import("../compose.ts");
    const policy = oneOf("policy", policyNames, values["policy"]![0]!);
    openState().settings.set("harness", policy);
    answer(policy);
    return 0;
  },
};
