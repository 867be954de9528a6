// `broke audit restart`: the way on when the audit was damaged. What was damaged is kept, and the new file says that there was one.

import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Set a damaged launch audit aside and go on in a new file",
  args: {},
  async run() {
    const { openLaunchAudit } = await import("../audit.ts");
    const { BrokeError } = await import("#src/core/errors.ts");
    const audit = await openLaunchAudit();
    if (audit.read().verification.state !== "tampered") {
      throw new BrokeError("denied", "the launch audit is not damaged", "`broke audit verify` checks it");
    }
    const aside = audit.restart();
    answer(aside === null ? "begun anew; there was no file" : `begun anew; the old file is ${aside}`);
    return 0;
  },
};
