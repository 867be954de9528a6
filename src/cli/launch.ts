// One supervised run in the current folder, the same for `harness run` and for every short form of it.

import type { RunContract } from "#harness/contract/contract.ts";
import type { Layer } from "#harness/contract/document.ts";
import type { MadeTerms } from "#harness/contract/make-terms.ts";
import type { RunDeps, RunResult } from "#harness/run.ts";
import type { NamedSet } from "#harness/permission-set.ts";
import type { RunLimits } from "#sandbox/limits.ts";
import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { SlotView } from "#src/observe/routes.ts";
import type { State } from "./compose.ts";
import { confirmLease, type Elevate } from "./elevate.ts";
import { note } from "./output.ts";
import { inView, newView } from "./overlay.ts";
import type { Reporting, Reports } from "./report.ts";

export type Launch = {
  /** Undefined: the contract's, else claude. */
  client: string | undefined;
  /** Undefined: the named set's, else `fallback`, else strict. */
  profile: string | undefined;
  fallback?: string;
  /** The permission set it names. */
  set?: string | undefined;
  /** Undefined: the contract's, else the run's own. */
  home: string | undefined;
  /** As in `--workspace`. */
  mode?: string | undefined;
  /** As in `--base`. */
  base?: string | undefined;
  permissions?: PermissionFlags;
  args: string[];
  /** As in `--limit`, `--timeout` and `--idle-timeout`. */
  limit?: string | undefined;
  timeout?: string | undefined;
  idle?: string | undefined;
  /** What it is held to: the value of `--contract`, and the options as keys. Undefined: whoever launches it decides nothing of the kind. */
  held?: { contract: string | undefined; document: Record<string, unknown> };
  /** As in `--trust`. */
  trust?: string | undefined;
  /** As in `--elevated` and `--elevate-for`. */
  elevate?: Elevate;
};

/** Where we stand. Throws `usage` when that folder is gone. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new BrokeError("usage", "the folder you are in is gone", "change into a project's folder");
  }
}

async function findSet(name: string, { home, trust }: State, cwd: string, terminal: boolean): Promise<NamedSet> {
  const { realpathSync } = await import("node:fs");
  const { totalmem } = await import("node:os");
  const { findPermissionSet } = await import("#harness/permission-set.ts");
  return findPermissionSet(name, { home, trust, folder: realpathSync(cwd), terminal, memoryBytes: totalmem() });
}

/** The limits with the shortest of these times. */
function soonest(limits: Partial<RunLimits>, times: (number | null)[]): Partial<RunLimits> {
  const said = [limits.timeoutMs ?? null, ...times].filter((ms) => ms !== null);
  return said.length === 0 ? limits : { ...limits, timeoutMs: Math.min(...said) };
}

const noContract = { layer: {} as Layer, terms: undefined, timeoutMs: null };

/** What the run is held to: by options, files and what is stored, in that order of precedence. */
export async function readContract(
  { contract, document }: NonNullable<Launch["held"]>,
  { home, trust, settings, env, generations }: State,
  cwd: string,
  base: { text: string | null } | undefined,
): Promise<{ layer: Layer } & MadeTerms> {
  const { realpathSync } = await import("node:fs");
  const { readLayer } = await import("#harness/contract/document.ts");
  const { writtenContract } = await import("#harness/contract/files.ts");
  const { layOn } = await import("#harness/contract/layers.ts");
  const { slotsOf } = await import("#src/routing/slots.ts");
  const { makeTerms } = await import("#harness/contract/make-terms.ts");
  const folder = realpathSync(cwd);
  const { said, bounds } = writtenContract(contract, { home, trust, folder, base });
  const stored = readLayer("the stored harness policy", { policy: settings.get("harness") ?? "off" });
  const options = readLayer("the command line", document);
  const layer = layOn(layOn(stored, said), options);
  const unknown = Object.values(layer.roles ?? {}).some(
    (slot) => slot !== null && !slotsOf(generations.current()).some(({ id }) => id === slot),
  );
  if (unknown)
    throw new BrokeError("usage", "a role is given a slot that there is none of", "`broke list` shows the slots");
  return { layer, ...makeTerms(layer, { bounds, options, workspace: folder, env }) };
}

/** The base of a pull request whose configuration counts, with its broke.toml; undefined: the workspace's own does. */
async function baseConfig(
  { held, trust }: Launch,
  { env, home }: State,
  cwd: string,
): Promise<{ commit: string; text: string | null } | undefined> {
  if (held === undefined) return undefined;
  const { realpathSync } = await import("node:fs");
  const { noFilePermission } = await import("#sandbox/path-permission.ts");
  const { chooseTrust, withBase } = await import("#harness/base-config.ts");
  const { sightOf } = await import("#harness/borrowed.ts");
  const { SET_FILE } = await import("#harness/permission-set.ts");
  const commit = chooseTrust(trust, env);
  if (commit === null) return undefined;
  const sight = sightOf({ workspace: realpathSync(cwd), files: noFilePermission }, home.root, env);
  return { commit, text: withBase(sight, commit, (base) => base.read(SET_FILE)?.toString("utf8") ?? null) };
}

/** Makes the launch from what the stored settings say. */
export type ChooseLaunch = (settings: { sandbox: string }) => Launch;

const served = (views: SlotView[]) =>
  views.filter((view) => view.served).map(({ slot, backends }) => ({ id: slot, backends }));

/** Everything a run works with, from an opened state; `reserved` is the number it has already. */
export async function runDeps(state: State, reserved?: string): Promise<RunDeps> {
  const { knownNow, secretNames, secretValues } = await import("./compose.ts");
  const { liveDeps } = await import("./shared.ts");
  const { describeSlots } = await import("#src/observe/routes.ts");
  const { openLaunchAudit } = await import("./audit.ts");
  const { slotsOf } = await import("#src/routing/slots.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const { systemClock } = await import("#src/core/clock.ts");
  const generation = state.generations.current();
  return {
    home: state.home,
    reserved,
    runs: state.runs,
    roles: state.roles,
    audit: await openLaunchAudit(state),
    keys: signingKeys(state.home),
    gateway: {
      async serve(options) {
        const { serveRun } = await import("#src/gateway/run-gateway.ts");
        const { watched } = await import("./telemetry.ts");
        const { deps, stop } = await watched(await liveDeps(state), state.env);
        const served = serveRun(deps, options);
        return { warm: served.warm, stop: () => served.stop().then(stop) };
      },
      async ask(question) {
        const { askModel } = await import("#src/gateway/ask.ts");
        return askModel(await liveDeps(state), question);
      },
      servedSlots: () => served(describeSlots(knownNow(state))),
    },
    slots: slotsOf(generation).map(({ id, client, title }) => ({
      ...{ id, client, title },
      set: Object.hasOwn(generation.slots, id),
    })),
    keyNames: secretNames(state.keys, generation),
    secrets: secretValues(state.keys, generation),
    keyOf: (name) => state.keys.get(name),
    env: state.env,
    clock: systemClock,
  };
}

/**
 * Everything a launch works with, and what was asked for, checked. `view` is the run whose tree is mounted. `enter` is told the mode of the workspace
 * once it is known, before anything is said or asked: it may begin the command anew. Throws what is wrong with the launch.
 */
export async function openLaunch(
  choose: ChooseLaunch,
  view?: string,
  enter?: (mode: string | undefined) => Promise<unknown>,
): Promise<{ deps: RunDeps; contract: RunContract }> {
  const { dropToOwner } = await import("#harness/identity.ts");
  const cwd = currentFolder();
  dropToOwner(cwd, process.env);
  const { openState, secretNames } = await import("./compose.ts");
  const { checkContract } = await import("#harness/contract/contract.ts");
  const { onTerminal } = await import("#harness/terminal.ts");
  const { addFlags } = await import("#sandbox/permission-sets.ts");
  const { noPermissionFlags } = await import("#sandbox/permission-flags.ts");
  const { parseLimits, parseTimeout } = await import("#sandbox/limits.ts");
  const state = openState();
  const keyNames = secretNames(state.keys, state.generations.current());
  const launch = choose({ sandbox: state.settings.get("sandbox") ?? "strict" });
  const terminal = onTerminal();
  const base = await baseConfig(launch, state, cwd);
  const { layer, terms, timeoutMs } =
    launch.held === undefined ? noContract : await readContract(launch.held, state, cwd, base);
  await enter?.(launch.mode ?? layer.mode);
  if (base !== undefined) note(`configuration is taken from the pull request's base, ${base.commit.slice(0, 12)}`);
  const set = launch.set ?? layer.set;
  const named = set === undefined ? undefined : await findSet(set, state, cwd, terminal);
  if (named?.note !== undefined) note(named.note);
  const said = addFlags(layer.permissions ?? noPermissionFlags, launch.permissions ?? noPermissionFlags);
  const limits = {
    ...named?.limits,
    ...layer.limits,
    ...(launch.limit === undefined ? {} : parseLimits(launch.limit)),
    ...(launch.timeout === undefined ? {} : { timeoutMs: parseTimeout(launch.timeout) }),
    ...(launch.idle === undefined ? {} : { idleMs: parseTimeout(launch.idle, "idle-timeout") }),
  };
  const lease = terms?.route === "provider_direct" ? await confirmLease(launch.elevate, terminal, state.env) : null;
  const contract = checkContract({
    ...launch,
    ...{
      set,
      terms: terms && { ...terms, lease },
      client: launch.client ?? layer.client ?? "claude",
      home: launch.home ?? layer.home ?? "run",
    },
    instructions: base?.commit ?? null,
    args: launch.args.length > 0 ? launch.args : (layer.args ?? []),
    mode: launch.mode ?? layer.mode,
    profile: launch.profile ?? layer.profile ?? named?.profile ?? launch.fallback ?? "strict",
    permissions: named === undefined ? said : addFlags(named.flags, said),
    bounds: named === undefined || named.bounds === null ? null : addFlags(named.bounds, said),
    limits: soonest(limits, [timeoutMs, lease === null ? null : lease.untilMs - Date.now()]),
    terminal,
    cwd,
    brokeHome: state.home.root,
    keyNames,
    env: state.env,
  });
  return { deps: await runDeps(state, view), contract };
}

/** Says on stderr how a run ended, and returns the exit code. */
export function tellResult({ runId, verdict, exit, notes }: RunResult): number {
  for (const line of [...verdict.reasons, ...notes]) note(line);
  note(`run ${runId} ${verdict.verdict} exit ${exit.code} exit_source ${exit.source}`);
  return exit.code;
}

/** Runs the client to its verdict. `view` is the run whose tree is mounted. */
export async function launchClient(
  choose: ChooseLaunch,
  reports: Reports = { words: [], folder: undefined },
  view?: string,
): Promise<number> {
  return inView(view, () => launchHere(choose, reports, view));
}

async function launchHere(choose: ChooseLaunch, reports: Reports, view: string | undefined): Promise<number> {
  const { openReporting } = await import("./report.ts");
  using reporting = await openReporting(reports, currentFolder(), process.env);
  try {
    return await launchReported(choose, reporting, view);
  } catch (error) {
    reporting.refused(error);
    throw error;
  }
}

async function launchReported(choose: ChooseLaunch, reporting: Reporting, view: string | undefined): Promise<number> {
  // An overlay may be said by a contract, and so be known only then: the command begins once more, in its view.
  const { deps, contract } = await openLaunch(choose, view, view === undefined ? newView : undefined);
  const { runHarness } = await import("#harness/run.ts");
  if (contract.home === "user") note(`${contract.client} works with its state in your own home`);
  const result = await runHarness(deps, contract);
  try {
    await reporting.ended(deps, result.runId);
  } catch (error) {
    tellResult(result);
    throw error;
  }
  return tellResult(result);
}
