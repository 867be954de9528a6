// `broke doctor`: every folder's checks, a line each. What fails here would also keep a run from being launched.

import type { Check } from "#src/core/checks.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

/** All checks there are; where not even the state can be opened, that, and those that need none. */
async function allChecks(): Promise<Check[]> {
  const { tmpdir } = await import("node:os");
  const { sandboxChecks } = await import("#sandbox/checks.ts");
  const { profileOf } = await import("#sandbox/profile.ts");
  try {
    const { knownNow, openState } = await import("../compose.ts");
    const state = openState();
    const { routingChecks } = await import("#src/observe/checks.ts");
    const { isFrozen } = await import("#src/state/freeze.ts");
    const { harnessChecks } = await import("#harness/checks.ts");
    const { stateChecks } = await import("#src/state/checks.ts");
    const { openLaunchAudit } = await import("../audit.ts");
    const { sharedCheck } = await import("../shared.ts");
    const { exposureCheck } = await import("../exposing.ts");
    const { readOwner } = await import("#src/gateway/ownership.ts");
    const { home, settings, runs, trust, env } = state;
    return [
      ...sandboxChecks(profileOf(settings.get("sandbox") ?? "strict"), home.live, [home.root]),
      ...stateChecks(state),
      sharedCheck(state),
      exposureCheck(() => readOwner(home)),
      ...routingChecks(() => knownNow(state), state.keys.get, isFrozen(state.db)),
      ...harnessChecks({ home, runs, trust, audit: () => openLaunchAudit(state), env, cwd: process.cwd() }),
    ];
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    const refuse = (): never => {
      throw error;
    };
    return [{ id: "state", run: refuse }, ...sandboxChecks(profileOf("strict"), tmpdir(), [])];
  }
}

export const verb: Verb = {
  description: "Look for what would keep a run from being launched, or make it weaker than it should be",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { runChecks } = await import("#src/core/checks.ts");
    const checked = await runChecks(await allChecks());
    const ready = checked.every(({ status }) => status !== "failed");
    if (flags.has("json")) answerJson({ ready, checks: checked });
    else {
      answer(table(checked.map(({ status, id, detail }) => [status, id, detail])));
      for (const { id, hint } of checked) if (hint !== undefined) answer(`${id}: ${hint}`);
    }
    return ready ? 0 : 1;
  },
};
