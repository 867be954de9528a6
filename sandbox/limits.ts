// What a run may use up: the options by which it is said, their ranges, the profiles' own, and what is told when one is reached. Pure.
// Does not stop: use that nobody counts (sandbox/README.md); this only says how much is allowed.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import type { ProfileName } from "./profile.ts";

const amount = v.nullable(v.pipe(v.number(), v.minValue(0)));

/** null: not limited. `cpus` is a number of processors and may be a fraction. */
export const limitsSchema = v.object({
  timeoutMs: amount,
  /** Without a sign of life. */
  idleMs: v.optional(amount, null),
  memoryBytes: amount,
  processes: amount,
  cpus: amount,
  outputBytes: amount,
  growthBytes: amount,
  tmpBytes: amount,
  openFiles: amount,
  fileBytes: amount,
});
export type RunLimits = v.InferOutput<typeof limitsSchema>;

const KIB = 1024;
const MIB = KIB ** 2;
const GIB = KIB ** 3;
const TIB = KIB ** 4;
export const TMP_BYTES = 512 * MIB;
export const SHM_BYTES = 64 * MIB;

type Option = {
  field: keyof RunLimits;
  unit: "bytes" | "number" | "fraction";
  min: number;
  max: number;
  range: string;
};
const bytes = (field: keyof RunLimits, min: number, range: string): Option => ({
  ...{ field, unit: "bytes", min, max: 1024 * TIB, range },
});

/** By the names they have on the command line and in the ledger. */
export const limitOptions = {
  memory: bytes("memoryBytes", 128 * MIB, "128m to 1024t"),
  pids: { field: "processes", unit: "number", min: 32, max: 4_194_304, range: "32 to 4194304" },
  cpu: { field: "cpus", unit: "fraction", min: 0.1, max: 4096, range: "0.1 to 4096" },
  output: bytes("outputBytes", KIB, "1k to 1024t"),
  growth: bytes("growthBytes", MIB, "1m to 1024t"),
  tmp: bytes("tmpBytes", MIB, "1m to 1024t"),
  files: { field: "openFiles", unit: "number", min: 64, max: 1_048_576, range: "64 to 1048576" },
  filesize: bytes("fileBytes", MIB, "1m to 1024t"),
} satisfies Record<string, Option>;
type OptionName = keyof typeof limitOptions;
const names = Object.keys(limitOptions) as OptionName[];

/** What can end a run. `shm` is /dev/shm, whose size is fixed. */
export type LimitName =
  "timeout" | "idle" | "memory" | "pids" | "output" | "growth" | "tmp" | "shm" | "turns" | "tokens" | "cost";
/** `value` is what was used when it was noticed, in the limit's own unit. */
export type Reached = { which: LimitName; value: number; limit: number };

const factors: Record<string, number> = { "": 1, k: KIB, m: MIB, g: GIB, t: TIB };
const forms = { bytes: /^(\d{1,15})([kmgt]?)$/, number: /^(\d{1,15})()$/, fraction: /^(\d{1,9}(?:\.\d{1,3})?)()$/ };

function parseAmount(name: OptionName, text: string): number {
  const { unit, min, max, range } = limitOptions[name];
  const [, digits, suffix = ""] = forms[unit].exec(text.toLowerCase()) ?? [];
  const value = Number(digits) * factors[suffix]!;
  if (digits === undefined || value < min || value > max) throw new BrokeError("usage", `${name} takes ${range}`);
  return value;
}

/** Parses `memory=4g,pids=400`. Throws `usage` on anything unknown, given twice or out of range. */
export function parseLimits(text: string): Partial<RunLimits> {
  const limits: Partial<RunLimits> = {};
  for (const item of text.split(",")) {
    const [written = "", value, ...more] = item.split("=");
    const name = names.find((known) => known === written);
    if (name === undefined) {
      const guess = nearest(written, names);
      const hint = guess === undefined ? `use any of: ${names.join(", ")}` : `did you mean ${guess}?`;
      throw new BrokeError("usage", "unknown limit", hint);
    }
    const { field } = limitOptions[name];
    if (value === undefined || more.length > 0) throw new BrokeError("usage", "a limit is name=value");
    if (limits[field] !== undefined) throw new BrokeError("usage", `${name} is given twice`);
    limits[field] = parseAmount(name, value);
  }
  return limits;
}

const MINUTE_MS = 60_000;
const durations: Record<string, number> = { s: 1000, m: MINUTE_MS, h: 60 * MINUTE_MS, d: 24 * 60 * MINUTE_MS };
const MAX_TIMEOUT_MS = 7 * 24 * 60 * MINUTE_MS;

/** Parses `90s`, `10m`, `2h`, `1d`. Throws `usage` on anything else, naming the option. */
export function parseTimeout(text: string, option = "timeout"): number {
  const [, digits, unit = ""] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (durations[unit] ?? 0);
  if (digits === undefined || ms < 1000 || ms > MAX_TIMEOUT_MS) {
    throw new BrokeError("usage", `--${option} takes 1s to 7d`, "as in 90s, 10m, 2h");
  }
  return ms;
}

const none: RunLimits = {
  ...{
    timeoutMs: null,
    idleMs: null,
    memoryBytes: null,
    processes: null,
    cpus: null,
    outputBytes: null,
    growthBytes: null,
  },
  ...{ tmpBytes: null, openFiles: null, fileBytes: null },
};
const confined = {
  ...none,
  ...{ memoryBytes: 8 * GIB, processes: 400, outputBytes: 256 * MIB, growthBytes: 4 * GIB },
  ...{ tmpBytes: TMP_BYTES, openFiles: 4096, fileBytes: 2 * GIB },
};
const ofProfile: Record<ProfileName, RunLimits> = { strict: confined, hardened: confined, normal: none };

/**
 * The limits of one run: the profile's, with what was asked for in their place. Memory is never more by default than three quarters of the
 * machine's; what is written on a terminal is not limited, because somebody reads it.
 */
export function limitsOf(
  profile: ProfileName,
  asked: Partial<RunLimits>,
  host: { memoryBytes: number; terminal: boolean },
): RunLimits {
  if (profile === "normal" && asked.tmpBytes !== undefined) {
    throw new BrokeError("usage", "normal has no /tmp of its own to limit", "use strict or hardened");
  }
  const own = ofProfile[profile];
  const most = Math.floor((host.memoryBytes * 3) / 4);
  return {
    ...own,
    memoryBytes: own.memoryBytes === null ? null : Math.min(own.memoryBytes, most),
    outputBytes: host.terminal ? null : own.outputBytes,
    ...asked,
  };
}

/**
 * What a run used. Peaks are of all its processes together, null where it ended before anybody counted; what a killed run wrote and computed
 * is at least that.
 */
export type LimitsUsed = {
  peakMemoryBytes: number;
  cpuMs: number;
  peakProcesses: number | null;
  writtenBytes: number;
  outputBytes: number;
  growthBytes: number;
  countedBy: "cgroup" | "samples";
};

/** An amount of a limit in words. */
export function amountWords(which: LimitName, value: number): string {
  if (which === "timeout" || which === "idle") return `${value / 1000} s`;
  if (which === "cost") return `$${Math.round(value * 1e6) / 1e6}`;
  if (which === "turns" || which === "tokens") return String(value);
  if (which === "pids") return `${value} processes and threads`;
  const units: [number, string][] = [
    ...([
      [GIB, "GiB"],
      [MIB, "MiB"],
      [KIB, "KiB"],
    ] as [number, string][]),
    [1, "bytes"],
  ];
  const [size, unit] = units.find(([least]) => value >= least) ?? [1, "bytes"];
  return `${Math.round((value / size) * 10) / 10} ${unit}`;
}
