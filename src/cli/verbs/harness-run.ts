// `broke harness run`: one supervised run in the current folder.

import { type Verb } from "../front.ts";
import { note } from "../output.ts";

export const verb: Verb = {
  description: "Run a client in a sandbox, record what it does, and end with a verdict",
  args: {
    client: {
      type: "string",
      alias: "provider",
      description: "claude (default), or exec: any command; also --provider",
      valueHint: "claude|exec",
    },
    sandbox: { type: "string", description: "strict (default), hardened or normal", valueHint: "profile" },
  },
  rest: true,
  async run({ values, rest = [] }) {
    const { dropToOwner } = await import("#harness/identity.ts");
    dropToOwner(process.cwd(), process.env);
    const { gatewayDeps, openState, secretValues } = await import("../compose.ts");
    const { checkContract } = await import("#harness/contract.ts");
    const { runHarness } = await import("#harness/run.ts");
    const { signingKeys } = await import("#src/state/secrets.ts");
    const { systemClock } = await import("#src/core/clock.ts");
    const state = openState();
    const contract = checkContract({
      client: values.client?.[0] ?? "claude",
      profile: values.sandbox?.[0] ?? "strict",
      cwd: process.cwd(),
      args: rest,
      brokeHome: state.home.root,
      env: state.env,
    });
    const result = await runHarness(
      {
        home: state.home,
        runs: state.runs,
        keys: signingKeys(state.home),
        gateway: {
          async serve(options) {
            const { serveRun } = await import("#src/gateway/run-gateway.ts");
            return serveRun(gatewayDeps(state), options);
          },
        },
        secrets: secretValues(state.keys, state.generations.current()),
        env: state.env,
        clock: systemClock,
      },
      contract,
    );
    for (const reason of result.verdict.reasons) note(reason);
    note(`run ${result.runId} ${result.verdict.verdict} exit ${result.exit.code} exit_source ${result.exit.source}`);
    return result.exit.code;
  },
};
