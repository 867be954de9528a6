// `broke harness doctrine list`: what work can be held to.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the doctrines",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { listDoctrines } = await import("#harness/doctrine/doctrine.ts");
    const all = listDoctrines().map(({ name, version, layer, summary }) => ({ name, version, layer, summary }));
    if (flags.has("json")) answerJson(all);
    else answer(table(all.map(({ name, version, layer, summary }) => [layer, name, `${version}`, summary])));
    return 0;
  },
};
