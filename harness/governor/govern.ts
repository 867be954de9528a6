// A governor for an attempt of a run, joined to what it needs: the tree, the sandbox's places, the supervisor's own verification, the person.

import { readdirSync } from "node:fs";
import type { SandboxPlan } from "#sandbox/plan.ts";
import { insidePaths } from "#sandbox/plan.ts";
import type { Attempt } from "../run/attempt.ts";
import type { Ground } from "../run/ground.ts";
import type { OpenRun } from "../run/open.ts";
import { sayLine } from "../streams.ts";
import type { TerminalSession } from "../terminal.ts";
import { proveTree } from "../verification.ts";
import { fingerprint } from "./fingerprint.ts";
import { type Governor, makeGovernor } from "./governor.ts";

function topOf(tree: string): string[] {
  try {
    return readdirSync(tree).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

/** The attempt's governor; undefined under the policy `off`. */
export function govern(
  { deps, contract, paths, ledger, artifacts }: OpenRun,
  { tree, recorder }: Ground,
  { prepared }: Attempt,
  session: TerminalSession | undefined,
): Governor | undefined {
  const { policy, workspace, verification } = contract;
  if (policy === "off") return undefined;
  const { home, shims } = insidePaths(prepared.input);
  return makeGovernor({
    policy,
    places: {
      workspace,
      shims,
      scratch: ["/tmp", "/var/tmp", "/dev", home],
      tree: tree.path,
      top: () => topOf(tree.path),
    },
    verification,
    prove: (commands, over) =>
      proveTree({ deps, contract, paths, tree, ledger, artifacts, group: undefined, over }, commands),
    fingerprint: () => fingerprint(tree.path),
    record: recorder.append,
    tell: (text) => (session === undefined ? sayLine(text) : session.status(text)),
  });
}

/** The plan of a run whose every command waits for its governor. */
export const governed = (plan: SandboxPlan, governor: Governor | undefined): SandboxPlan =>
  governor === undefined ? plan : { ...plan, run: { ...plan.run, governed: true } };
