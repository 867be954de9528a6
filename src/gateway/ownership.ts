// Who runs the daemon: a file with pid and the process's start time, so that a recycled pid is never mistaken for ours. `stop` ends only the
// process this file proves to be ours, never by port or by name.
// Does not stop: a process of the same user from writing another file here.

import * as v from "valibot";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { readPrivate, writePrivate } from "#src/state/files.ts";
import type { Home } from "#src/state/paths.ts";

const ownerSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  startTicks: v.string(),
  bootId: v.string(),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
  /** Where else than on 127.0.0.1 it listens, and for whom. */
  exposure: v.optional(
    v.nullable(
      v.object({
        host: v.string(),
        tokens: v.picklist(["bound", "any"]),
        names: v.pipe(v.array(v.string()), v.readonly()),
      }),
    ),
    null,
  ),
});
export type Owner = v.InferOutput<typeof ownerSchema>;

const ownerFile = (home: Home) => join(home.live, "gateway.json");

/**
 * Start time of a process in clock ticks since boot (proc(5), field 22 of stat); undefined when it is gone. One that has ended and was not
 * waited for yet is gone too.
 */
export function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command name may hold spaces and parentheses; fields count from the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

const bootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();

/** A process, by a name no other ever has on this machine. */
export const ownerNow = (): string => `${process.pid} ${startTicks(process.pid)} ${bootId()}`;

/** Whether the process of that name goes on. */
export function isAlive(owner: string): boolean {
  const [pid, ticks, boot] = owner.split(" ");
  return boot === bootId() && startTicks(Number(pid)) === ticks;
}

/** Claims the daemon for this process. */
export function writeOwner(home: Home, port: number, exposure: Owner["exposure"] = null): void {
  const owner: Owner = { pid: process.pid, startTicks: startTicks(process.pid)!, bootId: bootId(), port, exposure };
  writePrivate(ownerFile(home), JSON.stringify(owner));
}

/** The running daemon, or undefined. A file that names a dead or another process counts for nothing. */
export function readOwner(home: Home): Owner | undefined {
  const text = readPrivate(ownerFile(home));
  if (text === undefined) return undefined;
  const parsed = v.safeParse(ownerSchema, parseJson(text));
  if (!parsed.success)
    throw new BrokeError("config", `${ownerFile(home)} is damaged`, "remove it; if a gateway runs, end it yourself");
  const owner = parsed.output;
  return owner.bootId === bootId() && startTicks(owner.pid) === owner.startTicks ? owner : undefined;
}

/** Gives the claim up, if it is ours. */
export function dropOwner(home: Home): void {
  if (readOwner(home)?.pid === process.pid) rmSync(ownerFile(home), { force: true });
}
