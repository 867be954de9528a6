// `broke fallback <slot> [targets…]` and `broke fallback policy [--team [name]]`: who answers where a slot's backend does not.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, note, table } from "../output.ts";

export const verb: Verb = {
  description: "Show or set who follows a slot's backend; `fallback policy` shows every chain",
  args: {
    slot: { type: "positional", description: "slot, or `policy`" },
    scope: { type: "string", description: "direct, unless another is given", valueHint: "direct|lane|backend|slot" },
    clear: { type: "boolean", description: "take the chain of this scope away" },
    team: { type: "string", description: "in a saved team; bare, of `policy`: in all of them", valueHint: "name" },
    json: { type: "boolean", description: "print JSON" },
  },
  optional: ["team"],
  words: "targets",
  apart: { clear: ["targets"] },
  async run({ values, flags, words }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { chainsOf } = await import("#src/observe/chains.ts");
    const { pickFallbacks } = await import("../pick-swap.ts");
    const { adopting } = await import("../adopt.ts");
    const { editFallback } = await import("../edit-fallback.ts");
    const state = openState();
    const { generations } = state;
    const [slot = "", team] = [values["slot"]?.[0], values["team"]?.[0]];
    const all = slot === "policy";
    if (all && (words.length > 0 || flags.has("clear") || values["scope"] !== undefined))
      throw new BrokeError("usage", "`policy` only shows");
    if (!all && flags.has("team")) throw new BrokeError("usage", "--team needs a name");
    const told = flags.has("clear") || words.length > 0;
    const picked = all || told || flags.has("json") ? undefined : pickFallbacks(generations.current(), slot);
    const targets = flags.has("clear") || picked?.length === 0 ? null : (picked ?? words);
    const edit = { slot, team, scope: values["scope"]?.[0] ?? "direct", targets };
    const changes = !all && (told || picked !== undefined);
    const adopt = await adopting(state, changes ? (targets ?? []) : []);
    const now = changes
      ? await edited(state, ({ generations }) =>
          generations.commit(`fallback ${slot}`, (routing) => editFallback(adopt(routing), edit)),
        )
      : generations.current();
    const chains = chainsOf(now, { team, teams: flags.has("team"), slot: all ? undefined : slot });
    const first = chains[0]?.scope;
    if (changes && targets !== null && first && first !== edit.scope)
      note(`the chain of scope ${edit.scope} is kept, and not used: the ${first} one comes first`);
    if (flags.has("json")) answerJson({ generation: now.id, chains });
    else if (chains.length === 0) answer("no slot is set");
    else {
      const drift = (labels: string[]) => (labels.length === 0 ? "" : `floating: ${labels.join(", ")}`);
      const rows = chains.map((of) => [...(of.team === null ? [] : [of.team]), of.slot, of.text, drift(of.floating)]);
      answer(table(rows));
    }
    return 0;
  },
};
