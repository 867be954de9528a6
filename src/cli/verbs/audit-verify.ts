// `broke audit verify`: yes (0), or no (1) with the first bad line.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Check the launch audit: hashes, signatures, recorded head",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openLaunchAudit } = await import("../audit.ts");
    const { verification } = (await openLaunchAudit()).read();
    const { state, records, line, reason } = verification;
    if (flags.has("json")) answerJson(verification);
    else
      answer(
        `${state}: ${records} records${line === null ? "" : `, first bad line ${line}`}${reason === null ? "" : `: ${reason}`}`,
      );
    return state === "intact" ? 0 : 1;
  },
};
