// `broke validate`: whether the routing holds together; asks nobody, exit 1 when a check fails.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Check slots, providers, keys, fallbacks and aliases, without asking anybody",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { validate } = await import("#src/observe/validate.ts");
    const { generations, keys } = openState();
    const sections = validate(generations.current(), keys.names(), keys.get);
    const failed = sections.some(({ lines }) => lines.some(({ status }) => status === "fail"));
    if (flags.has("json")) answerJson({ valid: !failed, sections });
    else {
      const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" };
      for (const { section, lines } of sections) {
        const said = lines.map(({ status, about, detail }) => `  ${marks[status]} ${about}: ${detail}`);
        answer([section, ...(said.length === 0 ? ["  nothing is set"] : said)].join("\n"));
      }
    }
    return failed ? 1 : 0;
  },
};
