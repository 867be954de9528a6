// One run from registration to verdict, as a table of contents: prepare, launch, observe, judge, close. The supervisor is the process that
// calls this; it holds the run's lock and is the only writer of the ledger.
// Does not stop: what the chosen profile allows (sandbox/README.md).

import { closeSync, constants, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError, exitCodeOf } from "#src/core/errors.ts";
import { newRunId, newSecret } from "#src/core/ids.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import * as libc from "#sandbox/libc.ts";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import { GATEWAY, planSandbox } from "#sandbox/plan.ts";
import { requireSandbox } from "#sandbox/preflight.ts";
import { profileOf } from "#sandbox/profile.ts";
import { type AuditLog, auditLaunch, type LaunchAudit, permissionsOf } from "./audit.ts";
import { makeAsker } from "./asking.ts";
import { clearRun } from "./cleanup.ts";
import { canChange } from "./client-identity.ts";
import { clientOf } from "./clients.ts";
import { describePrograms } from "./command.ts";
import { changeFindings } from "./contract/change-rules.ts";
import { openedOf, programsOf, registered, type RunContract, unixOpen } from "./contract/contract.ts";
import { spellContract, strictnessOf } from "./contract/terms.ts";
import { describeNetwork, recordAttempts, superviseEgress } from "./egress.ts";
import { countByClass } from "./environment.ts";
import { type Hold, holdTree, releaseTree } from "./hold.ts";
import { compareInventories, takeInventory } from "./inventory.ts";
import { requireInstallation } from "./installation.ts";
import { Ledger } from "./ledger.ts";
import { actOnWork } from "./land.ts";
import { endedUse, heldBy, holdRun, judgeEnd, watchFolders, weakLimits } from "./limits.ts";
import { onTerminal, takeTerminal } from "./terminal.ts";
import type { ModelGateway, ModelRequest, SlotName } from "./ports.ts";
import { budgets, withinBudget } from "./budget.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { makeRecorder } from "./recorder.ts";
import { readShimEvents } from "./shim-events.ts";
import { markBefore, sweepRecord, sweepTree, sweepWarnings } from "./sweep.ts";
import { type Supervised, superviseClient } from "./supervise.ts";
import { plantedNames, weakFiles } from "./shown.ts";
import { requireCleanStart } from "./start-hooks.ts";
import { unprotectedBy } from "./unprotected.ts";
import { holdsInstallation, INSTALLATION } from "./workspace.ts";
import { compareTestFiles, keepTestFiles } from "./results/test-files.ts";
import { verifyBefore, verifyTree } from "./verification.ts";
import { openWorkTree } from "./work-tree.ts";
import { decideVerdict, exitOf, type Observed, type RunExit, type Verdict } from "./verdict/observed.ts";

export type RunDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { sign: import("node:crypto").KeyObject };
  gateway: ModelGateway;
  slots: readonly SlotName[];
  /** Names of the keys the gateway works with; their values must never reach the ledger. */
  keyNames: readonly string[];
  secrets: string[];
  env: Record<string, string | undefined>;
  clock: Clock;
};

/** `notes` are for the operator and bear on nothing. */
export type RunResult = { notes: string[]; runId: string; verdict: Verdict; exit: RunExit; ledgerFile: string };

const MAX_PLANTED = 100;

export const NOTHING_HELD: Hold = { protect: { files: [], dirs: [], missing: [], masked: [], pins: [] }, placed: [] };

function requestData(request: ModelRequest): Record<string, Json> {
  return { ...request, ms: Math.round(request.ms) };
}

function openRun(deps: RunDeps, contract: RunContract): { runId: string; paths: RunPaths; lock: number } {
  const runId = newRunId(deps.clock());
  const paths = runPaths(deps.home, runId);
  mkdirSync(paths.root, { mode: 0o700 });
  const lock = openSync(paths.lock, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  if (!libc.tryLock(lock)) throw new BrokeError("busy", "the run is held by another process");
  writeFileSync(paths.contract, spellContract(contract), { mode: 0o600, flag: "wx" });
  deps.runs.add({
    id: runId,
    createdMs: deps.clock(),
    client: contract.client,
    profile: contract.profile,
    workspace: contract.workspace,
  });
  return { runId, paths, lock };
}

/** Controls that are weaker than the profile's own, in words. */
export function weakControls(
  { env }: Pick<RunDeps, "env">,
  contract: RunContract,
  { input: { profile, workspace, programs }, state, identity }: Prepared,
): string[] {
  const warnings: string[] = [];
  const opened = openedOf(contract);
  if (opened.length > 0) warnings.push(`opened by --allow-protected: ${opened.join(", ")}`);
  if (state !== undefined)
    warnings.push(`the client works with your own ${state.folder}: it reads and writes its sessions there`);
  if (holdsInstallation(workspace))
    warnings.push(
      "the workspace holds the broke that runs it: what the client changes there runs with the next command",
    );
  warnings.push(...weakFiles(contract.files, env));
  if (profile.root === "host") warnings.push("normal shows the host's file system and network");
  if (profile.root === "host" && identity !== undefined && canChange(identity.path, undefined))
    warnings.push("the client could change its own program, for every later start of it");
  if (unixOpen(contract))
    warnings.push("Unix sockets are open: what is shown of other programs' sockets can be spoken to");
  warnings.push(...(programs?.warnings ?? []));
  return warnings;
}

/** Runs the contract. Throws `BrokeError` when nothing was launched; after that every end is a result. */
export async function runHarness(deps: RunDeps, contract: RunContract): Promise<RunResult> {
  requireCleanStart(deps.env);
  requireSandbox();
  const installation = requireInstallation(INSTALLATION);
  const { runId, paths, lock } = openRun(deps, contract);
  const token = newSecret("brokerun");
  const redact = makeRedactor([...deps.secrets, token]);
  using ledger = new Ledger({
    file: paths.ledger,
    run: runId,
    key: deps.keys.sign,
    clock: deps.clock,
    redact,
    saveHead: (head) => deps.runs.saveHead(runId, head),
  });
  ledger.append("run.registered", registered(contract));
  ledger.append("checkpoint.opened", { reason: "registered" });
  ledger.append("preflight.passed", { installation });
  const launch = auditLaunch(deps.audit, runId, {
    client: contract.client,
    profile: contract.profile,
    permissions: permissionsOf(contract, profileOf(contract.profile)),
    variables_dropped: countByClass(deps.env),
  });
  const notes: string[] = [];
  try {
    const observed = await supervise(deps, contract, paths, token, ledger, launch, notes).catch(
      (error: unknown): never => {
        const reason = error instanceof BrokeError ? error.message : "internal error";
        const nothing: Observed = { end: { kind: "unobserved", reason }, warnings: [], inventoryComplete: false };
        const verdict = decideVerdict(nothing, strictnessOf(contract));
        closeRun(deps, ledger, launch, {
          outcome: "failed",
          verdict,
          exit: { code: exitCodeOf(error), source: "broke" },
        });
        throw error;
      },
    );
    const verdict = decideVerdict(observed, strictnessOf(contract));
    const exit = exitOf(observed, verdict.verdict);
    closeRun(deps, ledger, launch, { outcome: "completed", verdict, exit });
    return { notes, runId, verdict, exit, ledgerFile: paths.ledger };
  } finally {
    closeSync(lock);
  }
}

// The ledger first, the audit from it, the table last: what is missing of the later ones is completed from the earlier.
function closeRun(
  deps: RunDeps,
  ledger: Ledger,
  launch: LaunchAudit,
  { outcome, verdict, exit }: { outcome: "completed" | "failed"; verdict: Verdict; exit: RunExit },
): void {
  ledger.append("checkpoint.opened", { reason: "ended" });
  ledger.append("verdict.issued", { ...verdict });
  const end = { outcome, exit_code: exit.code, exit_source: exit.source };
  ledger.append("run.completed", end);
  try {
    launch.ended({ ...end, verdict: verdict.verdict });
  } finally {
    deps.runs.setStatus(ledger.run, outcome, verdict.verdict);
  }
}

async function supervise(
  deps: RunDeps,
  contract: RunContract,
  paths: RunPaths,
  token: string,
  ledger: Ledger,
  launch: LaunchAudit,
  notes: string[],
): Promise<Observed> {
  const terminal = onTerminal();
  let group: LimitGroup | undefined;
  using tree = openWorkTree(deps, contract, ledger.run);
  if (tree.made !== undefined) ledger.append("workspace.made", { mode: contract.mode, ...tree.made });
  try {
    const confined = profileOf(contract.profile).root === "allowlist";
    const { protect, placed } = confined
      ? holdTree(deps.home, ledger.run, tree.path, openedOf(contract))
      : NOTHING_HELD;
    const prepared = prepareRun({
      contract,
      paths,
      brokeHome: deps.home.root,
      identities: join(deps.home.live, "identities.json"),
      token,
      terminal,
      env: deps.env,
      slots: deps.slots,
      keyNames: deps.keyNames,
      secrets: deps.secrets,
      tree,
      protect,
    });
    using _state = prepared.state;
    const { input } = prepared;
    group = holdRun(ledger.run, contract.limits);
    const weak = weakLimits(contract.limits, group, input.host.uid);
    const open = unprotectedBy(deps.home, input.profile, contract.files, { env: deps.env, uid: input.host.uid });
    const warnings = [
      ...weak,
      ...weakControls(deps, contract, prepared),
      ...open.map((way) => `unprotected ledger: ${way}`),
    ];
    launch.started(countByClass(input.env));
    ledger.append("env_plan.applied", {
      passed: Object.keys(input.env).length,
      given: countByClass(prepared.given),
      dropped: countByClass(deps.env),
      home: contract.home,
    });
    if (prepared.identity !== undefined) ledger.append("client.identified", prepared.identity);
    const before = takeInventory(tree.path);
    markBefore(paths.baseline, before, {
      tree: tree.path,
      inside: contract.workspace,
      opened: openedOf(contract),
    });
    const kept = keepTestFiles(tree.path, before);
    if (!kept.complete) warnings.push("there are more test files than are compared");
    const work = { deps, contract, paths, tree, ledger, group };
    // Not in the run's own group, whose readings are the client's.
    const baseline = await verifyBefore({ ...work, group: undefined });
    const plan = planSandbox({ ...input, ignored: placed });
    ledger.append("sandbox.planned", {
      profile: contract.profile,
      terminal,
      ...describeNetwork(input.profile, prepared.net),
      ...describePrograms(programsOf(contract)),
      unix_sockets: input.profile.closeUnix ? "closed" : "open",
      opened: openedOf(contract),
      protected: input.protect.files.length + input.protect.dirs.length,
      placeholders: placed.length,
      masked: input.protect.masked.length,
      shims: prepared.shims,
      cgroup: [...(group?.holds ?? [])],
      unprotected_ledger: open.length > 0,
      warnings,
    });
    const recorder = makeRecorder(ledger);
    const commands = withinBudget(recorder.append, budgets.commands);
    const requests = withinBudget(recorder.append, budgets.requests);
    const answers = withinBudget(recorder.append, budgets.answers);
    await using shims = readShimEvents(paths.events, recorder.append);
    const gateway = await deps.gateway.serve({
      socketPath: `${paths.socketDir}/${GATEWAY.socket}`,
      token,
      onRequest: (request) => requests.record("model.request", requestData(request)),
    });
    const growth = await watchFolders(prepared, before, contract.limits);
    let ended: Supervised;
    try {
      using session = terminal ? takeTerminal() : undefined;
      const asker = session && makeAsker({ put: session.ask, record: answers.record });
      const client = { session, asker, group, growth, commands, recorder };
      const supervised = () => superviseClient(deps, contract, plan, prepared, client, ledger);
      ended = await superviseEgress(prepared.net, paths.socketDir, recordAttempts(recorder), supervised, asker);
    } finally {
      await gateway.stop();
    }
    using watch = ended.watch;
    await shims.drain();
    let { end } = ended;
    if (recorder.failed()) end = { kind: "unobserved", reason: "an event of the run could not be recorded" };
    const [lostCommands, lostRequests, lostAnswers] = [commands.omitted(), requests.omitted(), answers.omitted()];
    if (lostCommands + lostRequests + lostAnswers > 0) {
      const lost = {
        "command.observed": lostCommands,
        "model.request": lostRequests,
        "permission.answered": lostAnswers,
      };
      ledger.append("events.omitted", lost);
      const more = lostAnswers === 0 ? "" : ` and ${lostAnswers} answers`;
      warnings.push(`${lostCommands} commands and ${lostRequests} requests${more} were too many to record`);
    }
    if (end.kind === "exited") ledger.append("agent.exited", { code: end.code, signal: end.signal });
    else ledger.append("agent.exited", { code: null, signal: null, unobserved: end.reason });
    // Before the placeholders go: they were counted at the start too.
    const after = takeInventory(tree.path);
    releaseTree(deps.home, ledger.run);
    const except = new Set(placed);
    const changes = compareInventories(tree.path, before, after, except);
    if (changes.linked > 0)
      warnings.push(`${changes.linked} changed files have other names (hard links), perhaps outside the workspace`);
    const planted = plantedNames(input.shown);
    if (planted.length > 0) {
      ledger.append("allowed.planted", { paths: planted.slice(0, MAX_PLANTED), total: planted.length });
      warnings.push(
        `${planted.length} protected names were made in folders allowed for writing: look at them before you work there`,
      );
    }
    ledger.append("workspace.inventory", changes as unknown as Record<string, Json>);
    const sweep = sweepTree(paths.baseline, paths.quarantine, after, except);
    ledger.append("workspace.swept", sweepRecord(sweep));
    warnings.push(...sweepWarnings(sweep));
    const growthBytes = growth.grown(await heldBy(prepared, after));
    ledger.append("limits.used", watch.finish({ ...endedUse(ended.run), growthBytes, gone: end.kind === "gone" }));
    const findings = [
      ...changeFindings(changes, contract),
      ...compareTestFiles(tree.path, kept.files, after),
      ...(await verifyTree({ ...work, baseline, changed: changes.total + changes.inRepositories > 0 })),
    ];
    const seen = { end: judgeEnd(end, watch.reached()), warnings, inventoryComplete: changes.complete, findings };
    const { verdict } = decideVerdict(seen, strictnessOf(contract));
    const acted = actOnWork(deps, contract, ledger, warnings, verdict);
    notes.push(...acted.notes);
    findings.push(...acted.findings);
    return seen;
  } finally {
    await group?.remove();
    const keep = contract.home === "user" ? [] : clientOf(contract.client).keep;
    clearRun(deps.home, ledger.run, keep);
  }
}
