// One attempt of a run made ready: its tree held, its client's home and environment written, its sandbox planned. What it needs only while it goes
// on is gone after it, however it ends.

import { join } from "node:path";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import { ownCode } from "#sandbox/own-code.ts";
import { planSandbox, type SandboxPlan } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { type AllowedFolder, markAllowed } from "../allowed.ts";
import { clearRun } from "../cleanup.ts";
import { clientOf } from "../clients.ts";
import { describePrograms } from "../command.ts";
import { openedOf, programsOf } from "../contract/contract.ts";
import { describeNetwork } from "../egress.ts";
import { countByClass, secretValues } from "../environment.ts";
import { holdTree, NOTHING_HELD } from "../hold.ts";
import { holdRun, weakLimits } from "../limits.ts";
import { type Prepared, prepareRun } from "../prepare.ts";
import { leaseRecord } from "../routes.ts";
import { markBefore } from "../sweep.ts";
import { onTerminal } from "../terminal.ts";
import { unprotectedBy } from "../unprotected.ts";
import { weakControls } from "../weak-controls.ts";
import type { Ground } from "./ground.ts";
import type { OpenRun } from "./open.ts";
import type { Start } from "./start.ts";
import { type Turn, turnRecord } from "./turn.ts";

/** `placed` are our placeholders in the tree, `warnings` what the verdict says of controls that are weaker than they should be. */
export type Attempt = AsyncDisposable & {
  turn: Turn;
  terminal: boolean;
  prepared: Prepared;
  group: LimitGroup | undefined;
  plan: SandboxPlan;
  placed: string[];
  start: Start;
  allowed: AllowedFolder[];
  warnings: string[];
};

/** Prepares an attempt. Throws `BrokeError` when it cannot be made; then nothing of it is left. */
export async function openAttempt(run: OpenRun, ground: Ground, turn: Turn): Promise<Attempt> {
  const { deps, contract, paths, ledger, direct } = run;
  // Made while the rest is: whoever awaits it says what is wrong.
  ownCode().catch(() => {});
  ground.assertSame();
  const { tree } = ground;
  const terminal = deps.talk === undefined && onTerminal();
  let prepared: Prepared | undefined;
  let group: LimitGroup | undefined;
  const close = async () => {
    try {
      prepared?.state?.[Symbol.dispose]();
    } finally {
      await group?.remove();
      const keep = contract.home === "user" ? [] : clientOf(contract.client).keep;
      clearRun(deps.home, ledger.run, keep, { late: false });
    }
  };
  try {
    ledger.append("attempt.started", { ...turnRecord(turn), tree_id: tree.id });
    const confined = profileOf(contract.profile).root === "allowlist";
    const held = confined ? holdTree(deps.home, ledger.run, tree.path, openedOf(contract)) : NOTHING_HELD;
    prepared = prepareRun({
      contract,
      paths,
      brokeHome: deps.home.root,
      identities: join(deps.home.live, "identities.json"),
      token: run.token,
      terminal,
      env: deps.env,
      slots: deps.slots,
      keyNames: deps.keyNames,
      secrets: deps.secrets,
      tree,
      protect: held.protect,
      direct,
      turn,
    });
    const { input } = prepared;
    for (const value of secretValues(prepared.given)) run.hide(value);
    group = holdRun(ledger.run, contract.limits);
    const weak = weakLimits(contract.limits, group, input.host.uid);
    const open = unprotectedBy(deps.home, input.profile, contract.files, { env: deps.env, uid: input.host.uid });
    const warnings = [
      ...weak,
      ...weakControls(deps, contract, prepared),
      ...open.map((way) => `unprotected ledger: ${way}`),
    ];
    if (turn.number === 1) run.launch.started(countByClass(input.env));
    ledger.append("env_plan.applied", {
      passed: Object.keys(input.env).length,
      given: countByClass(prepared.given),
      dropped: countByClass(deps.env),
      home: contract.home,
      route: contract.route,
      credential_source: contract.credential,
    });
    if (direct !== undefined) ledger.append("credential_lease.issued", leaseRecord(contract, direct, input.env));
    if (prepared.identity !== undefined) ledger.append("client.identified", prepared.identity);
    const start = await ground.start(held.placed);
    markBefore(paths.baseline, start.before, {
      tree: tree.path,
      inside: contract.workspace,
      opened: openedOf(contract),
    });
    const allowed = markAllowed(paths, input.shown, contract.workspace);
    if (!start.tests.complete) warnings.push("there are more test files than are compared");
    const plan = planSandbox({ ...input, ignored: held.placed });
    ledger.append("sandbox.planned", {
      profile: contract.profile,
      terminal,
      ...describeNetwork(input.profile, prepared.net),
      ...describePrograms(programsOf(contract)),
      unix_sockets: input.profile.closeUnix ? "closed" : "open",
      opened: openedOf(contract),
      protected: input.protect.files.length + input.protect.dirs.length,
      placeholders: held.placed.length,
      masked: input.protect.masked.length,
      shims: prepared.shims,
      cgroup: [...(group?.holds ?? [])],
      unprotected_ledger: open.length > 0,
      warnings,
    });
    const { placed } = held;
    return { turn, terminal, prepared, group, plan, placed, start, allowed, warnings, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
