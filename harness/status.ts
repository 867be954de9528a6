// The harness as it stands: what launches are held to, the clients it can run, what runs now and how the last run ended. Pure.

import type { Checked } from "#src/core/checks.ts";
import { isoTime } from "#src/core/clock.ts";
import type { RoleRow } from "#src/state/roles.ts";
import { isGoing, type RunRow } from "#src/state/runs.ts";
import { categoriesWith, policies, type PolicyName } from "./verdict/policies.ts";
import { verdicts } from "./verdict/words.ts";

/** A run that has not ended. `supervisor` null: it is gone, and `broke harness reconcile` closes the run. */
export type GoingRun = {
  run: string;
  client: string;
  status: string;
  sandbox: string;
  workspace: string;
  started: string;
  supervisor: number | null;
};
type LastRun = { run: string; client: string; status: string; verdict: string | null };

export type HarnessStatus = {
  policy: PolicyName;
  /** Where the policy is said. */
  from: "stored" | "broke.toml" | "default";
  sandbox: string;
  /** After so many retries the operator is asked; null: never. */
  retries: number | null;
  required: readonly string[];
  /** Categories by the word that each alone is worth. */
  worth: Record<string, string[]>;
  runtimes: { client: string; ready: boolean; detail: string }[];
  roles: {
    role: string;
    backend: string | null;
    health: string;
    asked: number;
    degraded: number;
    verdict: string | null;
  }[];
  runs: { total: number; going: string[]; last: LastRun | null };
  registry: GoingRun[];
};

/** One object for programs. `runtimes` are the clients as they were just looked at; `runs` newest first. */
export function harnessStatus(
  known: Pick<HarnessStatus, "policy" | "from" | "sandbox">,
  runtimes: readonly Checked[],
  runs: readonly RunRow[],
  roles: readonly RoleRow[],
  supervisorOf: (runId: string) => number | null,
): HarnessStatus {
  const { retries, required } = policies[known.policy];
  const last = runs[0];
  const going = runs.filter(({ status }) => isGoing(status));
  return {
    ...known,
    retries: retries === Infinity ? null : retries,
    required,
    worth: Object.fromEntries(verdicts.slice(1).map((word) => [word, categoriesWith(known.policy, word)])),
    runtimes: runtimes.map(({ id, status, detail }) => ({ client: id, ready: status === "ok", detail })),
    roles: roles.map(({ role, backend, health, asked, degraded, verdict }) => ({
      ...{ role, backend, health, asked, degraded, verdict },
    })),
    runs: {
      total: runs.length,
      going: going.map(({ id }) => id),
      last: last === undefined ? null : lastRun(last),
    },
    registry: going.map(({ id, client, status, profile, workspace, createdMs }) => ({
      ...{ run: id, client, status, sandbox: profile, workspace, started: isoTime(createdMs) },
      supervisor: supervisorOf(id),
    })),
  };
}

const lastRun = ({ id, client, status, verdict, createdMs }: RunRow): LastRun & { started: string } => ({
  ...{ run: id, client, status, verdict },
  started: isoTime(createdMs),
});

const goingLine = ({ run, client, status, workspace, supervisor }: GoingRun): string =>
  `  ${run} ${client} ${status}, ${workspace}${supervisor === null ? "; its supervisor is gone: broke harness reconcile" : `, supervised by ${supervisor}`}`;

/** The same for a person. */
export function statusText({
  policy,
  from,
  sandbox,
  retries,
  required,
  worth,
  runtimes,
  roles,
  runs,
  registry,
}: HarnessStatus): string {
  const { last } = runs;
  const words = Object.entries(worth).filter(([, categories]) => categories.length > 0);
  return [
    `policy ${policy} (${from}), sandbox ${sandbox}`,
    `${retries === null ? "any number of retries" : `${retries} retries`}; ${required.join(" and ") || "no reviewer"} required`,
    ...words.map(([word, categories]) => `  ${word}: ${categories.join(", ")}`),
    "clients",
    ...runtimes.map(({ client, ready, detail }) => `  ${client} ${ready ? "ready" : "not ready"}: ${detail}`),
    "roles",
    ...roles.map(({ role, backend, health, asked, degraded, verdict }) => {
      if (asked === 0) return `  ${role}: never asked`;
      return `  ${role} ${health}: asked ${asked} times, ${degraded} degraded; last ${backend ?? "nobody"}, ${verdict ?? "no verdict"}`;
    }),
    `runs: ${runs.total}, going: ${runs.going.length === 0 ? "none" : runs.going.length}`,
    ...registry.map(goingLine),
    last === null ? "no run yet" : `last: ${last.run} ${last.client} ${last.status} ${last.verdict ?? "no verdict"}`,
  ].join("\n");
}
