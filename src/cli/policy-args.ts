// Options of a policy, of keys and of models alike, and how one is shown.

import type { ArgsDef } from "citty";
import { BrokeError } from "#src/core/errors.ts";
import type { PolicyChange } from "#src/routing/edit-policies.ts";
import { type Policy, policyModes } from "#src/routing/policy.ts";

export const policyArgs: ArgsDef = {
  mode: { type: "string", description: "how one is chosen", valueHint: policyModes.join("|") },
  order: { type: "string", description: "which is first, second, …", valueHint: "a,b" },
  weights: { type: "string", description: "for weighted: 0 to 100 each", valueHint: "a=2,b=1" },
  cooldown: { type: "string", description: "how long one that failed is left alone", valueHint: "seconds" },
  retries: { type: "string", description: "how many may be tried for a request", valueHint: "number" },
  clear: { type: "boolean", description: "forget the policy" },
  json: { type: "boolean", description: "print JSON" },
};

/** Forgetting it says all there is to say. */
export const policyApart = { clear: ["mode", "order", "weights", "cooldown", "retries"] } as const;

function whole(text: string, option: string, least: number, most: number): number {
  if (/^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new BrokeError("usage", `--${option} is a whole number from ${least} to ${most}`);
}

const list = (text: string) => text.split(",").map((item) => item.trim());

/** What the options say; undefined where they say nothing. Throws `usage`. */
export function readPolicyChange(values: Record<string, string[]>): PolicyChange | undefined {
  const [mode, order, weights, cooldown, retries] = ["mode", "order", "weights", "cooldown", "retries"].map(
    (name) => values[name]?.[0],
  );
  const change: PolicyChange = {
    ...(mode === undefined ? {} : { mode }),
    ...(order === undefined ? {} : { order: list(order) }),
    ...(weights === undefined
      ? {}
      : {
          weights: Object.fromEntries(
            list(weights).map((item) => {
              const at = item.lastIndexOf("=");
              return [item.slice(0, Math.max(at, 0)), whole(item.slice(at + 1), "weights", 0, 100)];
            }),
          ),
        }),
    ...(cooldown === undefined ? {} : { cooldownMs: whole(cooldown, "cooldown", 0, 604_800) * 1000 }),
    ...(retries === undefined ? {} : { retries: whole(retries, "retries", 1, 1000) }),
  };
  return Object.keys(change).length === 0 ? undefined : change;
}

/** One row of a table of policies. */
export function policyRow(name: string, { mode, order, weights, cooldownMs, retries }: Policy): string[] {
  const weighed = Object.entries(weights).map(([member, weight]) => `${member}=${weight}`);
  return [
    name,
    mode,
    order.join(", ") || "-",
    weighed.join(", ") || "-",
    cooldownMs === null ? "as told" : `${cooldownMs / 1000} s`,
    retries === null ? "all" : String(retries),
  ];
}

export const policyHead = ["NAME", "MODE", "ORDER", "WEIGHTS", "COOLDOWN", "TRIED"];
