// `broke harness`, `broke harness status`: what launches are held to, the clients there are, and the runs.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show what launches are held to, the clients that can be run, and the runs",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { clientChecks } = await import("#harness/checks.ts");
    const { writtenContract } = await import("#harness/contract/files.ts");
    const { supervisorIn } = await import("#harness/supervision/processes.ts");
    const { harnessStatus, statusText } = await import("#harness/status.ts");
    const { runChecks } = await import("#src/core/checks.ts");
    const { openState } = await import("../compose.ts");
    const { oneOf } = await import("#harness/verdict/ask.ts");
    const { policyNames } = await import("#harness/verdict/policies.ts");
    const state = openState();
    const { home, trust, runs, settings, env } = state;
    const folder = (await import("node:fs")).realpathSync(process.cwd());
    const { said, bounds } = writtenContract(undefined, { home, trust, folder });
    const stored = settings.get("harness");
    const ours = said.policy ?? (stored === undefined ? "off" : oneOf("the stored policy", policyNames, stored));
    const theirs = bounds?.policy ?? "off";
    const policy = policyNames.indexOf(theirs) > policyNames.indexOf(ours) ? theirs : ours;
    const written = said.policy !== undefined || policy !== ours;
    const from = written ? "broke.toml" : stored === undefined ? "default" : "stored";
    const runtimes = await runChecks(clientChecks({ home, env, cwd: folder }));
    const sandbox = settings.get("sandbox") ?? "strict";
    const told = harnessStatus(
      { policy, from, sandbox },
      runtimes,
      runs.list(),
      state.roles.list(),
      supervisorIn(home),
    );
    if (flags.has("json")) answerJson(told);
    else answer(statusText(told));
    return 0;
  },
};
