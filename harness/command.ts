// An exec the observer saw, as the ledger keeps it: what was asked for, which files it came to, who asked, and how it went.

import type { Json } from "#src/core/json.ts";
import type { HeldExec, ObservedExec } from "#sandbox/observer.ts";
import type { RunPermission } from "#sandbox/run-permission.ts";
import type { Wanted } from "./asking.ts";
import { boundArgs } from "./bounded.ts";

export type CommandEvent = { event: "command.observed" | "command.denied"; data: Record<string, Json> };

/** `command.denied` for one that was refused, with the reason; else `command.observed` with its outcome. */
export function commandEvent(exec: ObservedExec): CommandEvent {
  const { pid, lineage, path, cwd, exe: by, files, outcome, reason } = exec;
  const { argv, cut } = boundArgs(exec.argv);
  const data = { pid, path, argv, cwd, by, cut: exec.cut || cut, files, lineage };
  if (outcome === "denied") return { event: "command.denied", data: { ...data, reason } };
  return { event: "command.observed", data: { ...data, outcome } };
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
