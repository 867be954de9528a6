// What `doctor` looks at of the harness: the installation, the clients, the runs and the history of launches.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Check, type Finding, ok, warning } from "#src/core/checks.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isGoing, type RunStore } from "#src/state/runs.ts";
import type { TrustStore } from "#src/state/trust.ts";
import type { AuditLog } from "./audit.ts";
import { canChange, identifyClient } from "./client-identity.ts";
import { clientIds, clientOf } from "./clients.ts";
import { findClient, searchFolders } from "./find-client.ts";
import { requireInstallation } from "./installation.ts";
import { tellPermissionSets } from "./permission-set.ts";
import { requireCleanStart } from "./start-hooks.ts";
import { INSTALLATION } from "./workspace.ts";

type HarnessDeps = {
  home: Home;
  runs: RunStore;
  audit: () => Promise<AuditLog>;
  trust: TrustStore;
  env: Record<string, string | undefined>;
  cwd: string;
};

type Places = Pick<HarnessDeps, "home" | "env" | "cwd">;

function checkClient(name: string, { home, env, cwd }: Places): Finding {
  let file: string | undefined;
  try {
    file = findClient(clientOf(name), [], searchFolders(env, cwd), { inside: "", host: "" }).file;
  } catch (error) {
    if (!(error instanceof BrokeError) || error.kind !== "missing") throw error;
    return warning(error.message, error.hint);
  }
  if (file === undefined) return ok("given by the caller");
  const { version, sha256, owner } = identifyClient(file, join(home.live, "identities.json"));
  const told = `${version ?? "of unknown version"}, ${file}, of uid ${owner}, sha256 ${sha256.slice(0, 16)}…`;
  return canChange(file, undefined)
    ? ok(`${told}; read-only inside strict and hardened, yours to write in normal`)
    : ok(told);
}

function checkRuns({ home, runs }: HarnessDeps): Finding {
  const all = runs.list();
  const open = all.filter(({ status }) => isGoing(status));
  const lost = all.filter(({ id }) => !existsSync(runPaths(home, id).ledger));
  if (lost.length > 0)
    return warning(
      `${lost.length} of ${all.length} runs have no ledger any more`,
      "`broke harness list` names them; they do not keep new runs from starting",
    );
  return ok(`${all.length} recorded, ${open.length} not ended; \`broke harness reconcile\` closes those that crashed`);
}

async function checkAudit({ audit }: HarnessDeps): Promise<Finding> {
  const { state, records, reason } = (await audit()).read().verification;
  if (state === "tampered")
    throw new BrokeError(
      "config",
      `the history of launches is damaged: ${reason ?? "unknown"}`,
      "`broke audit verify` says where; `broke audit restart` sets it aside",
    );
  return state === "intact"
    ? ok(`${records} records, unbroken`)
    : warning(`${records} records: ${reason ?? "incomplete"}`, "the next launch completes it");
}

/** A launch that names none is made all the same. */
function checkSets({ home, trust, cwd }: HarnessDeps): Finding {
  try {
    return ok(tellPermissionSets(home, trust, cwd));
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    return warning(error.message, error.hint);
  }
}

/** The clients that can be run, a look at each. */
export function clientChecks(places: Places): Check[] {
  const clients = clientIds.filter((id) => id !== "exec" && id !== "agent");
  return clients.map((id) => ({ id, run: () => checkClient(id, places) }));
}

/** `cwd` is where clients would be launched. */
export function harnessChecks(deps: HarnessDeps): Check[] {
  return [
    {
      id: "start",
      run() {
        requireCleanStart(deps.env);
        return ok("nothing was loaded into broke before its first line");
      },
    },
    { id: "installation", run: () => ok(requireInstallation(INSTALLATION)) },
    ...clientChecks(deps),
    { id: "permission sets", run: () => checkSets(deps) },
    { id: "runs", run: () => checkRuns(deps) },
    { id: "launch audit", run: () => checkAudit(deps) },
  ];
}
