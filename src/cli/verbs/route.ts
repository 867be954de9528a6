// `broke route <slot>`: the resolver's own list, exit 1 when nothing would be tried.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show what would be tried for a slot or model name, in order, and why",
  args: {
    slot: { type: "positional", description: "slot, or a model name a client sends" },
    profile: { type: "string", description: "as a caller with this profile", valueHint: "name" },
    with: { type: "string", description: "as a request with these members of its body", valueHint: "a,b" },
    session: { type: "string", description: "as this conversation", valueHint: "id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { knownNow, openState } = await import("../compose.ts");
    const { describeRoute } = await import("#src/observe/routes.ts");
    const [profile = null, session = null] = [values["profile"]?.[0], values["session"]?.[0]];
    const route = describeRoute(values.slot![0]!, {
      ...{ ...knownNow(openState()), profile, session },
      asks: { dialect: null, members: () => values["with"]?.[0]?.split(",") ?? [] },
    });
    if (flags.has("json")) answerJson(route);
    else if (route.kind === "refused") answer(`${route.message}\n${route.hint}`);
    else {
      answer(`${route.slot}, generation ${route.generation}`);
      route.attempts.forEach((attempt, index) =>
        answer(
          `${index + 1}. ${attempt.backend} (${attempt.model}) ${attempt.why}, ${attempt.key ?? "no key"}${attempt.pinned === false ? ", floating alias" : ""}`,
        ),
      );
      for (const skipped of route.skipped) answer(`-  ${skipped.label}: ${skipped.why}`);
    }
    return route.kind === "refused" ? 1 : 0;
  },
};
