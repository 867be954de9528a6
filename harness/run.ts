// One run from registration to verdict, as a table of contents: prepare, launch, observe, judge, close. The supervisor is the process that
// calls this; it holds the run's lock and is the only writer of the ledger.
// Does not stop: what the chosen profile allows (sandbox/README.md).

import { closeSync, constants, fstatSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError, exitCodeOf } from "#src/core/errors.ts";
import { newRunId, newSecret } from "#src/core/ids.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { launchSandbox, type RunningSandbox, type SandboxEnd } from "#sandbox/launch.ts";
import type { Watch } from "#sandbox/watch.ts";
import * as libc from "#sandbox/libc.ts";
import { makePlaceholders, removePlaceholders } from "#sandbox/placeholders.ts";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import type { Growth } from "#sandbox/growth.ts";
import { planSandbox } from "#sandbox/plan.ts";
import { requireSandbox } from "#sandbox/preflight.ts";
import { profileOf } from "#sandbox/profile.ts";
import { type AuditLog, auditLaunch, type LaunchAudit, permissionsOf } from "./audit.ts";
import { clearRun } from "./cleanup.ts";
import { clientOf } from "./clients.ts";
import type { RunContract } from "./contract.ts";
import { countByClass } from "./environment.ts";
import { compareInventories, takeInventory } from "./inventory.ts";
import { Ledger } from "./ledger.ts";
import { endedUse, heldBy, holdRun, judgeEnd, spareInit, watchFolders, watchRun, weakLimits } from "./limits.ts";
import type { ModelGateway, ModelRequest, SlotName } from "./ports.ts";
import { boundArgs } from "./bounded.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { readShimEvents } from "./shim-events.ts";
import { forwardSignals } from "./signals.ts";
import { copyOutputs } from "./streams.ts";
import { onTerminal, takeTerminal, terminalSize } from "./terminal.ts";
import { decideVerdict, exitOf, type Observed, type RunExit, type Verdict } from "./verdict.ts";

export type RunDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { sign: import("node:crypto").KeyObject };
  gateway: ModelGateway;
  slots: readonly SlotName[];
  /** Values that must never reach the ledger. */
  secrets: string[];
  env: Record<string, string | undefined>;
  clock: Clock;
};

export type RunResult = { runId: string; verdict: Verdict; exit: RunExit; ledgerFile: string };

const SIGPIPE = 13;

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
  { limits }: RunContract,
  { input: { profile, host }, state }: Prepared,
  group: LimitGroup | undefined,
): string[] {
  const warnings = weakLimits(limits, group, host.uid);
  if (state !== undefined)
    warnings.push(`the client works with your own ${state.folder}: it reads and writes its sessions there`);
  if (profile.root === "host") warnings.push("normal shows the host's file system and network");
  return warnings;
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
  const launch = auditLaunch(deps.audit, runId, {
    client: contract.client,
    profile: contract.profile,
    permissions: permissionsOf(contract, profileOf(contract.profile)),
    variables_dropped: countByClass(deps.env),
  });
  try {
    const observed = await supervise(deps, contract, paths, token, ledger, launch).catch((error: unknown): never => {
      const reason = error instanceof BrokeError ? error.message : "internal error";
      const verdict = decideVerdict({ end: { kind: "unobserved", reason }, warnings: [], inventoryComplete: false });
      closeRun(deps, ledger, launch, {
        outcome: "failed",
        verdict,
        exit: { code: exitCodeOf(error), source: "broke" },
      });
      throw error;
    });
    const verdict = decideVerdict(observed);
    const exit = exitOf(observed, verdict.verdict);
    closeRun(deps, ledger, launch, { outcome: "completed", verdict, exit });
    return { runId, verdict, exit, ledgerFile: paths.ledger };
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
  ledger.append("verdict.issued", { verdict: verdict.verdict, reasons: verdict.reasons });
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
): Promise<Observed> {
  const terminal = onTerminal();
  let group: LimitGroup | undefined;
  try {
    const prepared = prepareRun({
      contract,
      paths,
      brokeHome: deps.home.root,
      token,
      terminal,
      env: deps.env,
      slots: deps.slots,
    });
    using _state = prepared.state;
    const { input } = prepared;
    group = holdRun(ledger.run, contract.limits);
    const warnings = weakControls(contract, prepared, group);
    launch.started(countByClass(input.env));
    ledger.append("env_plan.applied", {
      passed: Object.keys(input.env).length,
      dropped: countByClass(deps.env),
      home: contract.home,
    });
    const before = takeInventory(contract.workspace);
    const ignored = makePlaceholders(contract.workspace, input.protect.missing, paths.placeholders);
    const plan = planSandbox({ ...input, ignored });
    ledger.append("sandbox.planned", {
      profile: contract.profile,
      terminal,
      network: input.profile.ownNetwork ? "run socket only" : "host",
      protected: input.protect.files.length + input.protect.dirs.length,
      placeholders: ignored.length,
      masked: input.protect.masked.length,
      shims: prepared.shims,
      cgroup: [...(group?.holds ?? [])],
      warnings,
    });
    await using shims = readShimEvents(paths.events, (event, data) => ledger.append(event, data));
    const gateway = await deps.gateway.serve({
      socketPath: `${paths.socketDir}/gateway.sock`,
      token,
      onRequest: (request) => ledger.append("model.request", requestData(request)),
    });
    const growth = await watchFolders(prepared, before, contract.limits);
    let ended: Supervised;
    try {
      ended = await superviseClient(deps, contract, plan, prepared, { terminal, group, growth }, ledger);
    } finally {
      await gateway.stop();
    }
    using watch = ended.watch;
    await shims.drain();
    const { end } = ended;
    if (end.kind === "exited") ledger.append("agent.exited", { code: end.code, signal: end.signal });
    else ledger.append("agent.exited", { code: null, signal: null, unobserved: end.reason });
    removePlaceholders(paths.placeholders);
    const after = takeInventory(contract.workspace);
    const changes = compareInventories(contract.workspace, before, after);
    ledger.append("workspace.inventory", changes as unknown as Record<string, Json>);
    const growthBytes = growth.grown(await heldBy(prepared, after));
    ledger.append("limits.used", watch.finish({ ...endedUse(ended.run), growthBytes, gone: end.kind === "gone" }));
    return { end: judgeEnd(end, watch.reached()), warnings, inventoryComplete: changes.complete };
  } finally {
    await group?.remove();
    clearRun(paths, clientOf(contract.client).keep);
  }
}

type Supervised = { end: SandboxEnd; run: RunningSandbox; watch: Watch };

async function superviseClient(
  deps: RunDeps,
  contract: RunContract,
  plan: ReturnType<typeof planSandbox>,
  prepared: Prepared,
  { terminal, group, growth }: { terminal: boolean; group: LimitGroup | undefined; growth: Growth },
  ledger: Ledger,
): Promise<Supervised> {
  using session = terminal ? takeTerminal() : undefined;
  // A terminal without one for the output, or /dev/null: there is nothing to wait for.
  const stdin = fstatSync(0).isCharacterDevice() ? "empty" : "pipe";
  let watch: Watch | undefined;
  const onOutput = (bytes: Uint8Array) => {
    watch?.countOutput(bytes.length);
    session?.write(bytes);
  };
  const run: RunningSandbox = await launchSandbox(
    plan,
    prepared.input.host.arch,
    session === undefined ? { kind: "pipes", stdin } : { kind: "terminal", ...terminalSize(), onOutput },
    {
      onStarted() {
        spareInit(run, group);
        ledger.append("agent.launched", { client: contract.client, ...boundArgs(plan.order.argv) });
      },
      onStopped: () => session?.suspend(),
      onExec(exec) {
        const { argv, cut } = boundArgs(exec.argv);
        const { pid, path, cwd, exe: by } = exec;
        ledger.append("command.observed", { pid, path, argv, cwd, by, cut: exec.cut || cut });
      },
    },
    group?.prefix,
  );
  try {
    watch = watchRun(run, prepared, { limits: contract.limits, group, growth }, (event, data) =>
      ledger.append(event, data),
    );
    const { countOutput } = watch;
    deps.runs.setStatus(ledger.run, "running", null);
    using _signals = forwardSignals(run, (signal) => ledger.append("session.interrupted", { signal }));
    session?.connect(run, (to) => ledger.append("session.resized", { columns: to.columns, rows: to.rows }));
    if (run.streams !== undefined) {
      const copied = copyOutputs(run.streams.stdout, run.streams.stderr, () => run.signal(SIGPIPE), countOutput);
      const end = await run.ended;
      await copied;
      return { end, run, watch };
    }
    return { end: await run.ended, run, watch };
  } catch (error) {
    watch?.[Symbol.dispose]();
    throw error;
  } finally {
    // Only what failed here leaves it running: nobody would observe it any more.
    run.kill();
    await run.ended;
  }
}
