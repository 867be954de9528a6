// An exec the observer saw, as the ledger keeps it: what was asked for, which files it came to, who asked, and how it went.

import type { Json } from "#src/core/json.ts";
import type { ExecEnd } from "#sandbox/exec-ends.ts";
import type { HeldExec, ObservedExec } from "#sandbox/observer.ts";
import type { RunPermission } from "#sandbox/run-permission.ts";
import type { Wanted } from "./asking.ts";
import { boundArgs } from "./bounded.ts";

export type CommandEvent = { event: "command.observed" | "command.denied"; data: Record<string, Json> };

/** `command.denied` for one that was refused, with the reason; else `command.observed` with its outcome. */
export function commandEvent(exec: ObservedExec): CommandEvent {
  const { pid, atMs, lineage, path, cwd, exe: by, files, outcome, reason } = exec;
  const { argv, cut } = boundArgs(exec.argv);
  const data = { pid, at: atMs, path, argv, cwd, by, cut: exec.cut || cut, files, lineage };
  if (outcome === "denied") return { event: "command.denied", data: { ...data, reason } };
  return { event: "command.observed", data: { ...data, outcome } };
}

const ENDS_AT_ONCE = 32;
const ENDS_MS = 50;

/**
 * Records how commands that were seen to start ended, several at once where they end fast: `ms` since the process ran its last program, `code` and
 * `signal` null where nobody knows.
 */
export function recordEnds(record: (event: string, data: Record<string, Json>) => void): {
  started(exec: ObservedExec): void;
  ended(ends: readonly ExecEnd[]): void;
  flush(): void;
} {
  const since = new Map<number, number>();
  let held: Json[] = [];
  let timer: Timer | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (held.length > 0) record("command.ended", { ends: held });
    held = [];
  };
  return {
    started({ pid, atMs, outcome }) {
      if (outcome === "started" || outcome === "unknown") since.set(pid, atMs);
    },
    ended(ends) {
      for (const { pid, code, signal, atMs } of ends) {
        const from = since.get(pid);
        since.delete(pid);
        if (from === undefined) continue;
        held.push({ pid, code, signal, at: atMs, ms: Math.max(0, Math.round(atMs - from)) });
        if (held.length >= ENDS_AT_ONCE) flush();
        else timer ??= setTimeout(flush, ENDS_MS);
      }
    },
    flush,
  };
}

/** Which programs may run, as the ledger and the audit keep it; nothing where every one may. */
export function describePrograms(permission: RunPermission | undefined): Record<string, Json> {
  if (permission === undefined) return {};
  const { others, allow, deny, ask } = permission;
  return { run: { others, allow, deny, ask } };
}

/** What a person is asked about a call that waits. */
export function runQuestion({ exec, files }: HeldExec): Wanted {
  const { path, argv, cwd, exe } = exec;
  const subject = files.map((file) => file.path).join(" by ");
  const rows: [string, string][] = [
    ["program", subject],
    ["asked as", path ?? "?"],
    ["words", argv.join(" ")],
    ["in", cwd ?? "?"],
    ["by", exe ?? "?"],
  ];
  return {
    permission: "run",
    title: "may this program run?",
    subject,
    rows,
    keys: files.map(({ id, stamp }) => `run ${id} ${stamp}`),
  };
}
