// `broke audit`: every launch, oldest first. Says on stderr when what it shows is not what was written.

import type { Verb } from "../front.ts";
import { answer, answerJson, note, table } from "../output.ts";

export const verb: Verb = {
  description: "List every launch: permissions, outcome",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openLaunchAudit } = await import("../audit.ts");
    const { launchesOf } = await import("#harness/audit.ts");
    const { records, verification } = (await openLaunchAudit()).read();
    const launches = launchesOf(records);
    if (verification.state !== "intact") note(`the audit is ${verification.state}: ${verification.reason}`);
    if (flags.has("json")) answerJson(launches);
    else if (launches.length === 0) answer("nothing was launched yet");
    else {
      const word = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : "-");
      const rows = launches.map(({ run, at, start, end }) => {
        const permissions = start.permissions as Record<string, unknown> | undefined;
        const known = [start.client, start.profile, permissions?.network, end?.outcome, end?.verdict, end?.exit_code];
        return [run, at, ...known.map(word)];
      });
      answer(table([["RUN", "AT", "CLIENT", "SANDBOX", "NETWORK", "OUTCOME", "VERDICT", "EXIT"], ...rows]));
    }
    return 0;
  },
};
