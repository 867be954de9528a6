// `broke harness doctrine show <name>`: what one doctrine says by itself.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show one doctrine",
  args: {
    name: { type: "positional", description: "its name" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { doctrineOf } = await import("#harness/doctrine/doctrine.ts");
    const { boundsOfDoctrine } = await import("#harness/doctrine/compose.ts");
    const { boundsText } = await import("#harness/doctrine/words.ts");
    const doctrine = doctrineOf(values["name"]![0]!);
    const { name, version, layer, summary, instructions, planning, timeout = null } = doctrine;
    if (flags.has("json")) answerJson(doctrine);
    else {
      const held = boundsText({ ...boundsOfDoctrine(doctrine), timeoutMs: timeout, planning });
      answer([`${name} ${version} (${layer}): ${summary}`, ...held, "", instructions].join("\n"));
    }
    return 0;
  },
};
