// `broke model-policy [slot] [options]`: which of several models answers for a slot.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";
import { policyApart, policyArgs, policyHead, policyRow, readPolicyChange } from "../policy-args.ts";

export const verb: Verb = {
  description: "Show or change which of several models answers for a slot",
  args: {
    slot: { type: "positional", required: false, description: "slot" },
    ...policyArgs,
  },
  apart: policyApart,
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { changeModelPolicy } = await import("#src/routing/edit-policies.ts");
    const name = values["slot"]?.[0];
    const change = readPolicyChange(values);
    if (name === undefined && (change !== undefined || flags.has("clear")))
      throw new BrokeError("usage", "<slot> is missing", "broke model-policy sonnet --mode round_robin");
    const state = openState();
    let now = state.generations.current();
    if (name !== undefined && (change !== undefined || flags.has("clear"))) {
      now = await edited(state, ({ generations }) =>
        generations.commit(`model-policy ${name}`, (routing) => {
          const next = changeModelPolicy(routing, name, change ?? {});
          if (!flags.has("clear")) return next;
          const { [name]: _, ...modelPolicies } = next.modelPolicies;
          return { ...next, modelPolicies };
        }),
      );
    } else if (name !== undefined) changeModelPolicy(now, name, {});
    const shown = Object.entries(now.modelPolicies).filter(([slot]) => name === undefined || slot === name);
    if (flags.has("json")) answerJson({ generation: now.id, policies: Object.fromEntries(shown) });
    else if (shown.length === 0) answer("none: a slot has its backend, then its fallbacks");
    else answer(table([policyHead, ...shown.map(([slot, policy]) => policyRow(slot, policy))]));
    return 0;
  },
};
