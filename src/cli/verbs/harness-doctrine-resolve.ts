// `broke harness doctrine resolve <name…>`: what doctrines come to together, or why they cannot.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show what doctrines come to, laid on one another: a code doctrine, then overlays",
  args: { json: { type: "boolean", description: "print JSON" } },
  words: "name",
  async run({ words, flags }) {
    const { resolveDoctrines } = await import("#harness/doctrine/resolve.ts");
    const { boundsText } = await import("#harness/doctrine/words.ts");
    if (words.length === 0) throw new BrokeError("usage", "no doctrine is named", "as in implement execution");
    const stack = resolveDoctrines(words.flatMap((word) => word.split(",")));
    if (flags.has("json")) answerJson(stack);
    else {
      const told = stack.doctrines.map(({ name, version, instructions }) => `[${name} ${version}]\n${instructions}`);
      const names = stack.doctrines.map(({ name, version }) => `${name} ${version}`).join(" → ");
      answer([names, ...boundsText(stack), "", told.join("\n\n")].join("\n"));
    }
    return 0;
  },
};
