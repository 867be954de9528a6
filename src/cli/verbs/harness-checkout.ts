// `broke harness checkout <run>`: where the tree a run worked on is, or a copy of it to look at.

import { visible } from "#src/core/text.ts";
import type { Verb } from "../front.ts";
import { viewOf } from "../overlay.ts";
import { answer, answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Say where the tree a run worked on is, or copy it without what would run by itself",
  args: {
    run: { type: "positional", description: "run id" },
    out: { type: "string", description: "a new folder to copy it into", valueHint: "dir" },
    json: { type: "boolean", description: "print JSON" },
  },
  view: async ({ values }) => (values.out === undefined ? undefined : viewOf(values.run![0]!, "look")),
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { checkOut, treeOf } = await import("#harness/checkout.ts");
    const { home } = openState();
    const [run, out] = [values.run![0]!, values.out?.[0]];
    const made = out === undefined ? { path: treeOf(home, run), leftOut: [] } : checkOut(home, run, out, process.cwd());
    if (flags.has("json")) answerJson(made);
    else {
      answer(visible(made.path));
      for (const name of made.leftOut) note(`left out: ${visible(name)}`);
    }
    return 0;
  },
};
