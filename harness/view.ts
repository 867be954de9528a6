// A run as a person or a program reads it: its ledger checked, its timeline in lines, its facts in one object.

import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunRow, RunStore } from "#src/state/runs.ts";
import { readArtifact } from "./artifacts/store.ts";
import { ledgerRecords } from "./ledger-lines.ts";
import { isHeld } from "./lock.ts";
import type { LedgerRecord } from "./record.ts";
import { parseLedger, type Verification, verifyLedger, verifyLedgerFile } from "./verify.ts";

export type RunView = { row: RunRow; file: string; records: LedgerRecord[]; verification: Verification };

function readLedger(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function findRun(runs: RunStore, home: Home, id: string): { row: RunRow; file: string } {
  const { ledger } = runPaths(home, id);
  const row = runs.get(id);
  if (row === undefined) throw new BrokeError("missing", "no such run", "`broke harness list` shows the runs");
  return { row, file: ledger };
}

// A supervisor that died at once wrote none; a ledger that had a head and is gone was taken away.
function unread(error: unknown, row: RunRow): Verification {
  const never = (error as NodeJS.ErrnoException).code === "ENOENT" && row.head.seq === 0;
  return never
    ? { state: "incomplete", records: 0, line: null, reason: "the run never began" }
    : { state: "tampered", records: 0, line: 1, reason: "the ledger cannot be read" };
}

/** Verifies one run without holding its ledger, and says whether every artifact it names is what it was. Throws `missing` for an unknown id. */
export function verifyRun(home: Home, runs: RunStore, key: KeyObject, id: string): Verification {
  const { row, file } = findRun(runs, home, id);
  try {
    const verification = verifyLedgerFile(file, id, key, row.head);
    return verification.state === "tampered"
      ? verification
      : withArtifacts(verification, file, runPaths(home, id).artifacts);
  } catch (error) {
    return unread(error, row);
  }
}

/** An artifact that is gone, or is not what it was, is a ledger that does not hold. */
function withArtifacts(verification: Verification, file: string, folder: string): Verification {
  for (const { event, data, seq } of ledgerRecords(file)) {
    if (event !== "artifact.stored" || readArtifact(folder, String(data.sha256)) !== undefined) continue;
    const reason = "an artifact it names is gone, or is not what it was";
    return { ...verification, state: "tampered", line: seq, reason };
  }
  return verification;
}

/** A run whose records are read one after the other, so that its size costs no memory. */
export type Reviewed = Omit<RunView, "records"> & { records: Iterable<LedgerRecord> };

/** Verifies one run, and lets its records be gone through once. Throws `missing` for an unknown id. */
export function reviewRun(home: Home, runs: RunStore, key: KeyObject, id: string): Reviewed {
  const { row, file } = findRun(runs, home, id);
  const verification = verifyRun(home, runs, key, id);
  return { row, file, verification, records: existsSync(file) ? ledgerRecords(file) : [] };
}

/** Reads and verifies one run. Throws `missing` for an unknown id; a damaged ledger is a result. */
export function readRun(home: Home, runs: RunStore, key: KeyObject, id: string): RunView {
  const { row, file } = findRun(runs, home, id);
  let text = "";
  try {
    text = readLedger(file);
  } catch (error) {
    return { row, file, records: [], verification: unread(error, row) };
  }
  return { row, file, records: parseLedger(text).records, verification: verifyLedger(text, id, key, row.head) };
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : JSON.stringify(value ?? null));

function words(record: LedgerRecord): string {
  const { event, data } = record;
  switch (event) {
    case "run.registered":
      return `${text(data.client)} in ${text(data.profile)}, ${text(data.workspace)}${data.home === "user" ? ", with the user's own client state" : ""}`;
    case "model.request":
      return `${text(data.slot)} → ${text(data.backend)} ${text(data.status)}, ${text(data.inputTokens)} in, ${text(data.outputTokens)} out, ${text(data.ms)} ms`;
    case "egress.attempt":
      return `${attemptWords(data)}, ${text(data.up)} B up, ${text(data.down)} B down, ${text(data.ms)} ms`;
    case "command.observed":
      return `${text(data.path)}${outcomeWords(data.outcome)} ${commandWords(data.argv)}`.trimEnd();
    case "command.denied":
      return `${text(data.path)} (${text(data.reason)}) ${commandWords(data.argv)}`.trimEnd();
    case "permission.answered":
      return `${text(data.permission)} ${text(data.subject)} → ${text(data.answer)}, by ${text(data.by)}`;
    case "command.started":
      return `${text(data.tool)} ${Array.isArray(data.args) ? data.args.map(text).join(" ") : ""} (claimed)`;
    case "workspace.inventory":
      return [`${text(data.total)} changed`, changedWords(data.changes)].filter((part) => part !== "").join(": ");
    case "workspace.swept":
      return [`${text(data.total)} found`, sweptWords(data.swept)].filter((part) => part !== "").join(": ");
    case "verification.ran":
      return `${text(data.command)} → ${data.failure === null ? "held" : text(data.failure)}, ${text(data.ms)} ms`;
    case "command.ended":
      return Array.isArray(data.ends) ? data.ends.map(endWords).join(", ") : "";
    case "agent.exited":
      return data.code === null ? text(data.unobserved) : `exit ${text(data.code)}`;
    case "verdict.issued":
      return `${text(data.verdict)}: ${Array.isArray(data.reasons) ? data.reasons.map(text).join("; ") : ""}`;
    case "run.completed":
      return `${text(data.outcome)}, exit ${text(data.exit_code)} by ${text(data.exit_source)}`;
    default:
      return Object.entries(data)
        .filter(([, value]) => typeof value !== "object" || value === null)
        .map(([key, value]) => `${key} ${text(value)}`)
        .join(", ");
  }
}

/** Nothing of what started, which is what commands do. */
const outcomeWords = (outcome: Json | undefined) =>
  outcome === undefined || outcome === "started" ? "" : ` (${text(outcome).replace("_", " ")})`;

function attemptWords(data: LedgerRecord["data"]): string {
  const where = data.host === null ? "nowhere" : `${text(data.host)}:${text(data.port)}`;
  const why = [data.rule === null ? [] : `by ${text(data.rule)}`, data.reason === null ? [] : text(data.reason)].flat();
  return `${text(data.by)} ${where} → ${[text(data.verdict), ...why].join(", ")}`;
}

function endWords(end: Json): string {
  if (end === null || typeof end !== "object" || Array.isArray(end)) return "?";
  const how =
    end.signal === null ? (end.code === null ? "ended" : `exit ${text(end.code)}`) : `signal ${text(end.signal)}`;
  return `${text(end.pid)} ${how} after ${text(end.ms)} ms`;
}

const SHOWN_CHANGES = 8;

function changedWords(changes: Json | undefined): string {
  if (!Array.isArray(changes)) return "";
  return changes.slice(0, SHOWN_CHANGES).map(changeWords).join(", ");
}

function sweptWords(items: Json | undefined): string {
  if (!Array.isArray(items)) return "";
  return items.slice(0, SHOWN_CHANGES).map(sweptItem).join(", ");
}

function sweptItem(item: Json): string {
  if (item === null || typeof item !== "object" || Array.isArray(item)) return "?";
  return `${text(item.kind)} ${text(item.path)} ${text(item.action)}`;
}

function changeWords(item: Json): string {
  if (item === null || typeof item !== "object" || Array.isArray(item)) return "?";
  return `${text(item.change)} ${text(item.path)}`;
}

// What Claude Code 2.1.330 puts before every command of its Bash tool, to the letter: anything else there is shown.
const CLAUDE_WRAPPING =
  /^-c source \/home\/agent\/\.claude\/shell-snapshots\/snapshot-\w+-\d+-\w+\.sh 2>\/dev\/null \|\| true(?: && \\builtin shopt -u extglob 2>\/dev\/null \|\| true)?(?: && \{ \\builtin unalias -- '[\w-]+'; \\builtin unset -f -- '[\w-]+'; \} >\/dev\/null 2>&1 \|\| true)* && (?=eval )/;

/** Arguments in one line, without the wrapping that would push the command itself out of sight. */
function commandWords(argv: Json | undefined): string {
  if (!Array.isArray(argv)) return "";
  return argv.slice(1).map(text).join(" ").replace(CLAUDE_WRAPPING, "-c … ");
}

/** The text of a `-c` without that wrapping. */
export const withoutWrapping = (script: string): string =>
  CLAUDE_WRAPPING.test(`-c ${script}`) ? `-c ${script}`.replace(CLAUDE_WRAPPING, "") : script;

/** A name that holds a line's end would otherwise write lines of its own. */
const oneLine = (text: string) => text.replaceAll("\n", "⏎").replaceAll("\t", " ");

const MAX_LINE = 200;

/** One ledger record as one line for a person. */
export function eventLine(record: LedgerRecord): string {
  const line = `${record.ts.slice(11, 23)}  ${record.event.padEnd(20)}  ${oneLine(words(record))}`;
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line;
}

/** The run as text: head, timeline, how it ended, where the ledger is. */
export function timeline(view: RunView): string {
  const { row, records, verification, file } = view;
  const head = `${row.id}  ${row.client} in ${row.profile}  ${row.status}  ${row.verdict ?? "no verdict"}`;
  const check = `ledger ${verification.state}${verification.reason === null ? "" : ` (${verification.reason})`}: ${file}`;
  return [head, oneLine(row.workspace), "", ...records.map(eventLine), "", check].join("\n");
}

/** The run as one object for programs. */
export function summarize(view: RunView): Json {
  const last = (event: string) => view.records.findLast((record) => record.event === event)?.data ?? null;
  const { head: _, ...row } = view.row;
  return {
    ...row,
    exit: last("run.completed"),
    verdict: last("verdict.issued"),
    verification: view.records.filter((record) => record.event === "verification.ran").map((record) => record.data),
    inventory: last("workspace.inventory"),
    swept: last("workspace.swept"),
    landed: last("workspace.landed"),
    used: last("limits.used"),
    unprotected_ledger: last("sandbox.planned")?.unprotected_ledger ?? null,
    limit: last("limit.reached"),
    requests: view.records.filter((record) => record.event === "model.request").map((record) => record.data),
    events: view.records.length,
    ledger: { file: view.file, ...view.verification },
  };
}

const FOLLOW_MS = 100;

/**
 * Yields the ledger's records; with `follow` also those still to come, until the run is closed or its supervisor is gone. Looks every
 * 100 ms: change notices of the file system come late or not at all when several changes follow one another.
 */
export async function* followLedger(
  home: Home,
  runs: RunStore,
  id: string,
  follow: boolean,
): AsyncGenerator<LedgerRecord> {
  const { file } = findRun(runs, home, id);
  let seen = 0;
  for (;;) {
    const going = follow && isHeld(runPaths(home, id).lock);
    const { records } = parseLedger(readLedger(file));
    for (const record of records.slice(seen)) yield record;
    seen = records.length;
    if (!going || records.at(-1)?.event === "run.completed") return;
    await Bun.sleep(FOLLOW_MS);
  }
}
