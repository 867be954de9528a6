// A run's limits at work: its control group, the watch over what it uses, and what is told of both. A run that reached a limit is ended:
// asked first when its time is up, killed otherwise.
// Does not stop: what sandbox/watch.ts does not see.

import { dirname, join } from "node:path";
import type { Json } from "#src/core/json.ts";
import { type LimitGroup, makeLimitGroup } from "#sandbox/cgroup.ts";
import { type Growth, type Held, measureFolders, watchGrowth } from "#sandbox/growth.ts";
import type { RunningSandbox, SandboxEnd } from "#sandbox/launch.ts";
import type { Reached, RunLimits } from "#sandbox/limits.ts";
import { canReadTree, readTree } from "#sandbox/meter.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import { isWithin } from "#sandbox/protected.ts";
import { type Watch, watchLimits } from "#sandbox/watch.ts";
import type { Inventory } from "./inventory.ts";
import type { Prepared } from "./prepare.ts";
import type { Observed } from "./verdict/observed.ts";

const SIGTERM = 15;
/** Grace for a client whose time is up. */
const GRACE_MS = 2000;
const BLOCK_BYTES = 512; // getrusage(2) counts output in these

/** The group that holds a run, where one can be made. */
export function holdRun(runId: string, limits: RunLimits): LimitGroup | undefined {
  return makeLimitGroup(runId, limits);
}

/** Once the client is started: what uses up the group is to end the client, not bwrap and init, who could then not say so. */
export function spareInit(run: RunningSandbox, group: LimitGroup | undefined): void {
  group?.spare(readTree(run.process.pid).pids.slice(0, 2));
}

/** What of the limits nothing holds here, in words. */
export function weakLimits(limits: RunLimits, group: LimitGroup | undefined, uid: number): string[] {
  const warnings: string[] = [];
  const holds = (what: "processes" | "memory" | "cpu") => group?.holds.has(what) ?? false;
  if (uid === 0 && limits.processes !== null && !holds("processes"))
    warnings.push("launched as root without a cgroup: the number of processes is only watched");
  if (limits.cpus !== null && !holds("cpu")) warnings.push("no cgroup can be made here: cpu is not limited");
  if (!canReadTree() && limits.memoryBytes !== null && !holds("memory"))
    warnings.push("neither a cgroup nor the kernel's list of children: memory is not limited");
  return warnings;
}

/** Where what is written in a tree comes to lie: of an overlay that is the run's own, beside its home, the layer is all that grows. */
const layerOf = ({ tree, home }: Prepared["input"]) =>
  dirname(tree) === dirname(home) && isOverlayAt(tree) ? join(dirname(tree), "upper") : tree;

/** Folders outside the sandbox that the run may write to, what it works on first. */
function writableFolders({ input }: Prepared): string[] {
  const state = input.homeState.flatMap((bind) => ("source" in bind && bind.mode === "write" ? [bind.source] : []));
  const { write } = input.shown.permission;
  const allowed = write.filter(({ kind, path }) => kind === "dir" && !isWithin(input.workspace, path));
  return [layerOf(input), input.home, ...state, ...allowed.map(({ path }) => path)];
}

/** What those folders hold; the workspace as the inventory counted it, if it saw all of it. */
export async function heldBy(prepared: Prepared, inventory: Inventory): Promise<Held> {
  const folders = writableFolders(prepared);
  if (!inventory.complete || folders[0] !== prepared.input.tree) return measureFolders(folders);
  const { bytes, unreadable } = await measureFolders(folders.slice(1));
  return { bytes: inventory.bytes + bytes, unreadable };
}

/** How much those folders grow from here on. */
export async function watchFolders(prepared: Prepared, before: Inventory, limits: RunLimits): Promise<Growth> {
  const folders = writableFolders(prepared);
  const { tree } = prepared.input;
  const through = folders[0] === tree ? [] : [tree];
  return watchGrowth(folders, await heldBy(prepared, before), limits.growthBytes, { through });
}

/** Asks the client to end, and ends it when it does not. */
export function endSoon(run: RunningSandbox): void {
  run.signal(SIGTERM);
  setTimeout(() => run.kill(), GRACE_MS).unref();
}

/** Starts watching a run. `record` puts events into the ledger. */
export function watchRun(
  run: RunningSandbox,
  prepared: Prepared,
  held: { limits: RunLimits; group: LimitGroup | undefined; growth: Growth; quietMs?: () => number },
  record: (event: string, data: Record<string, Json>) => void,
): Watch {
  const { limits, group, growth, quietMs = () => 0 } = held;
  return watchLimits({
    limits,
    root: run.process.pid,
    ended: run.ended,
    group,
    growth,
    quietMs,
    ownTmp: prepared.input.profile.root === "allowlist",
    onReached(reached) {
      record("limit.reached", { ...reached });
      if (reached.which !== "timeout" && reached.which !== "idle") return run.kill();
      endSoon(run);
    },
  });
}

/** What the ended sandbox's processes used, as far as their parent was told. */
export function endedUse(run: RunningSandbox): { cpuMs: number; writtenBytes: number; largestBytes: number } {
  const usage = run.process.resourceUsage();
  if (usage === undefined) return { cpuMs: 0, writtenBytes: 0, largestBytes: 0 };
  return {
    cpuMs: Number(usage.cpuTime.total) / 1000,
    writtenBytes: usage.ops.out * BLOCK_BYTES,
    largestBytes: usage.maxRSS,
  };
}

/** How the run ended: what the sandbox reports, or the limit that ended it. */
export function judgeEnd(end: SandboxEnd, reached: Reached | undefined): Observed["end"] {
  if (end.kind === "unobserved") return end;
  if (reached === undefined) return end.kind === "gone" ? { kind: "unobserved", reason: end.reason } : end;
  // What obeys SIGTERM says so by this code: it was asked to by us.
  const obeyed = 128 + SIGTERM;
  const own = end.kind === "exited" && end.signal === null && end.code !== 0 && end.code !== obeyed ? end.code : null;
  return { kind: "limited", reached, code: own };
}
