// Which processes a run is, outside: its supervisor and the root of its sandbox, each by number and start, on this boot of the machine. So a number that
// was given away anew, or a machine that was started anew, is not taken for it.
// Does not stop: anything; whether a run is supervised is what its lock says.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { writePrivate } from "#src/state/files.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import * as libc from "#sandbox/libc.ts";
import { startOf } from "#sandbox/lineage.ts";
import { isHeld } from "../lock.ts";

const SIGKILL = 9;
const processSchema = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(2)), start: v.number() });
const schema = v.strictObject({ boot: v.string(), supervisor: processSchema, sandbox: v.nullable(processSchema) });
export type RunProcesses = v.InferOutput<typeof schema>;

/** This boot of the machine (random(4)). */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

const now = (pid: number) => ({ pid, start: startOf(pid) ?? 0 });

/** Writes them down: the supervisor's alone, or with its sandbox's. */
export function recordProcesses(file: string, sandbox: number | null): void {
  const processes: RunProcesses = {
    boot: bootId(),
    supervisor: now(process.pid),
    sandbox: sandbox === null ? null : now(sandbox),
  };
  writePrivate(file, JSON.stringify(processes));
}

/** What is written down; undefined where there is nothing that can be read. */
export function readProcesses(file: string): RunProcesses | undefined {
  try {
    return v.parse(schema, parseJson(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Whether one of them is that very process still. */
export function isAlive(processes: RunProcesses, which: "supervisor" | "sandbox"): boolean {
  const known = processes[which];
  return known !== null && processes.boot === bootId() && startOf(known.pid) === known.start;
}

/** Ends the sandbox of a supervisor that died, should it have outlived it. It dies with it; this is for when that failed. */
export function endLeftovers(file: string): void {
  const processes = readProcesses(file);
  if (processes?.sandbox == null || !isAlive(processes, "sandbox")) return;
  try {
    libc.sendSignal(processes.sandbox.pid, SIGKILL);
  } catch (error) {
    if (!(error instanceof libc.LibcError)) throw error;
  }
}

/** The number of a run's supervisor, in a home; null where it is gone. The lock says whether there is one, the file who. */
export const supervisorIn =
  (home: Home) =>
  (runId: string): number | null => {
    const paths = runPaths(home, runId);
    const processes = readProcesses(paths.processes);
    try {
      return isHeld(paths.lock) && processes !== undefined && isAlive(processes, "supervisor")
        ? processes.supervisor.pid
        : null;
    } catch {
      return null; // no lock, so nobody holds it
    }
  };
