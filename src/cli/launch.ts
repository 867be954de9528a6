// One supervised run in the current folder, the same for `harness run` and for every short form of it.

import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { BrokeError } from "#src/core/errors.ts";
import { note } from "./output.ts";

export type Launch = {
  client: string;
  profile: string;
  home: string;
  /** As in `--workspace`. */
  mode?: string | undefined;
  permissions?: PermissionFlags;
  args: string[];
  /** As in `--limit` and `--timeout`. */
  limit?: string | undefined;
  timeout?: string | undefined;
};

/** Where we stand. Throws `usage` when that folder is gone. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new BrokeError("usage", "the folder you are in is gone", "change into a project's folder");
  }
}

/** Runs the client, says on stderr how it ended, and returns the exit code. `choose` makes the launch from what the stored settings say. */
export async function launchClient(choose: (settings: { sandbox: string }) => Launch): Promise<number> {
  const { dropToOwner } = await import("#harness/identity.ts");
  const cwd = currentFolder();
  dropToOwner(cwd, process.env);
  const { gatewayDeps, openState, secretValues } = await import("./compose.ts");
  const { openAudit } = await import("#harness/audit.ts");
  const { checkContract } = await import("#harness/contract.ts");
  const { runHarness } = await import("#harness/run.ts");
  const { onTerminal } = await import("#harness/terminal.ts");
  const { parseLimits, parseTimeout } = await import("#sandbox/limits.ts");
  const { slots } = await import("#src/routing/slots.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const { systemClock } = await import("#src/core/clock.ts");
  const state = openState();
  const launch = choose({ sandbox: state.settings.get("sandbox") ?? "strict" });
  const contract = checkContract({
    ...launch,
    limits: {
      ...(launch.limit === undefined ? {} : parseLimits(launch.limit)),
      ...(launch.timeout === undefined ? {} : { timeoutMs: parseTimeout(launch.timeout) }),
    },
    terminal: onTerminal(),
    cwd,
    brokeHome: state.home.root,
    env: state.env,
  });
  if (contract.home === "user") note(`${contract.client} works with its state in your own home`);
  const keys = signingKeys(state.home);
  const result = await runHarness(
    {
      home: state.home,
      runs: state.runs,
      audit: openAudit({ file: state.home.audit, heads: state.heads, keys, clock: systemClock }),
      keys,
      gateway: {
        async serve(options) {
          const { serveRun } = await import("#src/gateway/run-gateway.ts");
          return serveRun(gatewayDeps(state), options);
        },
      },
      slots: slots.map(({ id, client, title }) => ({ id, client, title })),
      secrets: secretValues(state.keys, state.generations.current()),
      env: state.env,
      clock: systemClock,
    },
    contract,
  );
  for (const line of [...result.notes, ...result.verdict.reasons]) note(line);
  note(`run ${result.runId} ${result.verdict.verdict} exit ${result.exit.code} exit_source ${result.exit.source}`);
  return result.exit.code;
}
