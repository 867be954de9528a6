// `broke explain <slot>`: why the resolver answers as it does; exit 1 when nothing would be tried.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Say what a slot's answer follows from: access, backend, fallbacks, policies, health, drift",
  args: {
    slot: { type: "positional", description: "slot, or a model name a client sends" },
    profile: { type: "string", description: "as a caller with this profile", valueHint: "name" },
    session: { type: "string", description: "as this conversation", valueHint: "id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { knownNow, openState } = await import("../compose.ts");
    const { explain } = await import("#src/observe/explain.ts");
    const [profile = null, session = null] = [values["profile"]?.[0], values["session"]?.[0]];
    const said = explain(values["slot"]![0]!, { ...knownNow(openState()), profile, session });
    if (flags.has("json")) answerJson(said);
    else {
      const { route, chain, modelPolicy, keyPolicy, drift, held } = said;
      answer(`${route.slot ?? values["slot"]![0]}, generation ${route.generation}`);
      if (route.kind === "refused") answer(`refused: ${route.message}\n${route.hint}`);
      else
        answer(
          `first: ${route.attempts[0]!.backend}, ${route.attempts[0]!.why}, ${route.attempts[0]!.key ?? "no key"}`,
        );
      answer(`chain: ${chain ?? "none"}`);
      answer(`model policy: ${modelPolicy?.mode ?? "none"}; key policy: ${keyPolicy?.mode ?? "none"}`);
      for (const { backend, pinned } of drift)
        if (pinned !== true)
          answer(`drift: ${backend} is ${pinned === false ? "a floating alias" : "not known to be pinned"}`);
      for (const { label, why } of held) answer(`not asked: ${label}: ${why}`);
    }
    return said.route.kind === "refused" ? 1 : 0;
  },
};
