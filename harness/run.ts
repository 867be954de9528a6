// One run from registration to verdict, as a table of contents: prepare, launch, observe, judge, close. The supervisor is the process that
// calls this; it holds the run's lock and is the only writer of the ledger.
// Does not stop: what the chosen profile allows (sandbox/README.md).

import { closeSync, constants, mkdirSync, openSync, writeFileSync } from "node:fs";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { newRunId, newSecret } from "#src/core/ids.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import * as libc from "#sandbox/libc.ts";
import { makeProcessGroup, type ProcessGroup } from "#sandbox/cgroup.ts";
import { GATEWAY, planSandbox } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { requireSandbox } from "#sandbox/preflight.ts";
import { clearRun } from "./cleanup.ts";
import { clientOf } from "./clients.ts";
import type { RunContract } from "./contract.ts";
import { describeNetwork, recordAttempts, superviseEgress } from "./egress.ts";
import { countDropped } from "./environment.ts";
import { type Hold, holdWorkspace, releaseWorkspace } from "./hold.ts";
import { compareInventories, takeInventory } from "./inventory.ts";
import { Ledger } from "./ledger.ts";
import type { ModelGateway, ModelRequest, SlotName } from "./ports.ts";
import { boundArgs } from "./bounded.ts";
import { budgets, withinBudget } from "./budget.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { makeRecorder } from "./recorder.ts";
import { readShimEvents } from "./shim-events.ts";
import { superviseClient } from "./supervise.ts";
import { holdsInstallation } from "./workspace.ts";
import { decideVerdict, exitOf, type Observed, type RunExit, type Verdict } from "./verdict.ts";

export type RunDeps = {
  home: Home;
  runs: RunStore;
  keys: { sign: import("node:crypto").KeyObject };
  gateway: ModelGateway;
  slots: readonly SlotName[];
  /** Values that must never reach the ledger. */
  secrets: string[];
  env: Record<string, string | undefined>;
  clock: Clock;
};

export type RunResult = { runId: string; verdict: Verdict; exit: RunExit; ledgerFile: string };

const NOTHING_HELD: Hold = { protect: { files: [], dirs: [], missing: [], masked: [], pins: [] }, placed: [] };

function requestData(request: ModelRequest): Record<string, Json> {
  return { ...request, ms: Math.round(request.ms) };
}

function openRun(deps: RunDeps, contract: RunContract): { runId: string; paths: RunPaths; lock: number } {
  const runId = newRunId(deps.clock());
  const paths = runPaths(deps.home, runId);
  mkdirSync(paths.root, { mode: 0o700 });
  const lock = openSync(paths.lock, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  if (!libc.tryLock(lock)) throw new BrokeError("busy", "the run is held by another process");
  writeFileSync(paths.contract, `${JSON.stringify(contract)}\n`, { mode: 0o600, flag: "wx" });
  deps.runs.add({
    id: runId,
    createdMs: deps.clock(),
    client: contract.client,
    profile: contract.profile,
    workspace: contract.workspace,
  });
  return { runId, paths, lock };
}

function weakControls(
  { input: { profile, host, workspace }, state }: Prepared,
  group: ProcessGroup | undefined,
): string[] {
  const warnings: string[] = [];
  if (state !== undefined)
    warnings.push(`the client works with your own ${state.folder}: it reads and writes its sessions there`);
  if (holdsInstallation(workspace))
    warnings.push(
      "the workspace holds the broke that runs it: what the client changes there runs with the next command",
    );
  if (profile.root === "host") warnings.push("normal shows the host's file system and network");
  if (profile.root === "allowlist" && host.uid === 0 && group === undefined) {
    warnings.push("launched as root without a cgroup: the number of processes is not limited");
  }
  return warnings;
}

/** Root is exempt from the limit that holds everybody else. */
function limitProcesses({ input }: Prepared, runId: string): ProcessGroup | undefined {
  const { processes } = input.profile.limits;
  if (input.host.uid !== 0 || processes === undefined) return undefined;
  return makeProcessGroup(runId, processes);
}

/** Runs the contract. Throws `BrokeError` when nothing was launched; after that every end is a result. */
export async function runHarness(deps: RunDeps, contract: RunContract): Promise<RunResult> {
  requireSandbox();
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
  ledger.append("run.registered", { ...contract, args: boundArgs(contract.args).argv });
  ledger.append("checkpoint.opened", { reason: "registered" });
  let observed: Observed;
  let verdict: Verdict;
  try {
    observed = await supervise(deps, contract, paths, token, ledger);
  } catch (error) {
    const message = error instanceof BrokeError ? error.message : "internal error";
    observed = { end: { kind: "unobserved", reason: message }, warnings: [], inventoryComplete: false };
    closeRun(deps, runId, ledger, observed, "failed");
    closeSync(lock);
    throw error;
  }
  verdict = closeRun(deps, runId, ledger, observed, "completed");
  closeSync(lock);
  return { runId, verdict, exit: exitOf(observed, verdict.verdict), ledgerFile: paths.ledger };
}

function closeRun(
  deps: RunDeps,
  runId: string,
  ledger: Ledger,
  observed: Observed,
  outcome: "completed" | "failed",
): Verdict {
  const verdict = decideVerdict(observed);
  const exit = exitOf(observed, verdict.verdict);
  ledger.append("checkpoint.opened", { reason: "ended" });
  ledger.append("verdict.issued", { verdict: verdict.verdict, reasons: verdict.reasons });
  ledger.append("run.completed", { outcome, exit_code: exit.code, exit_source: exit.source });
  deps.runs.setStatus(runId, outcome, verdict.verdict);
  return verdict;
}

async function supervise(
  deps: RunDeps,
  contract: RunContract,
  paths: RunPaths,
  token: string,
  ledger: Ledger,
): Promise<Observed> {
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  let group: ProcessGroup | undefined;
  try {
    const confined = profileOf(contract.profile).root === "allowlist";
    const { protect, placed } = confined ? holdWorkspace(deps, ledger.run, contract.workspace) : NOTHING_HELD;
    const prepared = prepareRun({
      contract,
      paths,
      brokeHome: deps.home.root,
      token,
      terminal,
      env: deps.env,
      slots: deps.slots,
      protect,
    });
    using _state = prepared.state;
    const { input } = prepared;
    group = limitProcesses(prepared, ledger.run);
    const warnings = weakControls(prepared, group);
    ledger.append("env_plan.applied", {
      passed: Object.keys(input.env).length,
      dropped: countDropped(deps.env),
      home: contract.home,
    });
    const before = takeInventory(contract.workspace);
    const plan = planSandbox({ ...input, ignored: placed });
    ledger.append("sandbox.planned", {
      profile: contract.profile,
      terminal,
      ...describeNetwork(prepared),
      protected: input.protect.files.length + input.protect.dirs.length,
      placeholders: placed.length,
      masked: input.protect.masked.length,
      shims: prepared.shims,
      processes: group === undefined ? "rlimit" : "cgroup",
      warnings,
    });
    const recorder = makeRecorder(ledger);
    const commands = withinBudget(recorder.append, budgets.commands);
    const requests = withinBudget(recorder.append, budgets.requests);
    await using shims = readShimEvents(paths.events, recorder.append);
    const gateway = await deps.gateway.serve({
      socketPath: `${paths.socketDir}/${GATEWAY.socket}`,
      token,
      onRequest: (request) => requests.record("model.request", requestData(request)),
    });
    let end: Observed["end"];
    try {
      const client = { terminal, group, commands, recorder };
      end = await superviseEgress(prepared.net, paths.socketDir, recordAttempts(recorder), () =>
        superviseClient(deps, contract, plan, input.host.arch, client, ledger),
      );
    } finally {
      await gateway.stop();
    }
    await shims.drain();
    if (recorder.failed()) end = { kind: "unobserved", reason: "an event of the run could not be recorded" };
    const [lostCommands, lostRequests] = [commands.omitted(), requests.omitted()];
    if (lostCommands + lostRequests > 0) {
      ledger.append("events.omitted", { "command.observed": lostCommands, "model.request": lostRequests });
      warnings.push(`${lostCommands} commands and ${lostRequests} requests were too many to record`);
    }
    if (end.kind === "exited") ledger.append("agent.exited", { code: end.code, signal: end.signal });
    else ledger.append("agent.exited", { code: null, signal: null, unobserved: end.reason });
    const others = releaseWorkspace(deps, ledger.run, contract.workspace);
    const except = new Set([...placed, ...others]);
    const changes = compareInventories(contract.workspace, before, takeInventory(contract.workspace), except);
    if (changes.linked > 0)
      warnings.push(`${changes.linked} changed files have other names (hard links), perhaps outside the workspace`);
    ledger.append("workspace.inventory", changes as unknown as Record<string, Json>);
    return { end, warnings, inventoryComplete: changes.complete };
  } finally {
    await group?.remove();
    const keep = contract.home === "user" ? [] : clientOf(contract.client).keep;
    clearRun(deps, { id: ledger.run, workspace: contract.workspace }, keep);
  }
}
