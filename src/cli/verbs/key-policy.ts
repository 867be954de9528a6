// `broke key-policy [provider] [options]`: how one of several keys is chosen.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";
import { policyApart, policyArgs, policyHead, policyRow, readPolicyChange } from "../policy-args.ts";

export const verb: Verb = {
  description: "Show or change how one of a provider's keys is chosen",
  args: {
    provider: {
      type: "positional",
      required: false,
      description: "provider, or the variable of your own backend's key",
    },
    ...policyArgs,
  },
  apart: policyApart,
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { changeKeyPolicy } = await import("#src/routing/edit-policies.ts");
    const name = values["provider"]?.[0];
    const change = readPolicyChange(values);
    if (name === undefined && (change !== undefined || flags.has("clear")))
      throw new BrokeError("usage", "<provider> is missing", "broke key-policy groq --mode round_robin");
    const state = openState();
    let now = state.generations.current();
    if (name !== undefined && (change !== undefined || flags.has("clear"))) {
      now = await edited(state, ({ generations }) =>
        generations.commit(`key-policy ${name}`, (routing) => {
          const next = changeKeyPolicy(routing, name, change ?? {});
          if (!flags.has("clear")) return next;
          const { [name]: _, ...keyPolicies } = next.keyPolicies;
          return { ...next, keyPolicies };
        }),
      );
    } else if (name !== undefined) changeKeyPolicy(now, name, {});
    const shown = Object.entries(now.keyPolicies).filter(([provider]) => name === undefined || provider === name);
    if (flags.has("json")) answerJson({ generation: now.id, policies: Object.fromEntries(shown) });
    else if (shown.length === 0) answer("none: keys are tried in order");
    else answer(table([policyHead, ...shown.map(([provider, policy]) => policyRow(provider, policy))]));
    return 0;
  },
};
