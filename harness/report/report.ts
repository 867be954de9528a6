// What a finished run came to, as one object: the only thing the report formats are made from. Read from the checked ledger, so a report says
// nothing that is not on record. Pure.

import * as v from "valibot";
import type { Json } from "#src/core/json.ts";
import type { LedgerRecord } from "../record.ts";
import type { Reviewed } from "../view.ts";

export type ReportedFinding = { word: string | null; category: string | null; from: string; reason: string };
export type ReportedVerification = {
  command: string;
  /** In words, what kept it from ending with 0; null: nothing did. */
  failure: string | null;
  ms: number;
  passed: number | null;
  failed: number;
  skipped: number;
  failedNames: string[];
};
export type Denial = { what: "command" | "network"; subject: string; reason: string };
export type ReportedChange = { change: string; path: string };

export type RunReport = {
  version: 1;
  run: string;
  client: string;
  profile: string;
  policy: string;
  workspace: string;
  mode: string;
  verdict: string | null;
  reasons: string[];
  exit: { code: number; source: string } | null;
  findings: ReportedFinding[];
  /** How often the worker had a turn; verification is the last one's. */
  attempts: number;
  verification: ReportedVerification[];
  /** Commands and connections that were refused; `denials` lists the first of them. */
  denied: number;
  denials: Denial[];
  commands: number;
  /** What the client asked of models. Tokens are null when no answer said any; `costUsd` unless every answer could be priced. */
  models: {
    requests: number;
    failed: number;
    inputTokens: number | null;
    outputTokens: number | null;
    costUsd: number | null;
  };
  changes: {
    total: number;
    created: number;
    modified: number;
    deleted: number;
    complete: boolean;
    paths: ReportedChange[];
  };
  landed: { ref: string | null; landed: number; held: number } | null;
  began: string | null;
  ms: number;
  ledger: { file: string; state: string; records: number };
};

const MAX_LISTED = 50;

const text = (fallback: string) => v.fallback(v.string(), fallback);
const number = v.fallback(v.number(), 0);
const tokens = v.fallback(v.nullable(v.number()), null);

const registered = v.object({
  client: text("?"),
  profile: text("?"),
  policy: text("off"),
  workspace: text("?"),
  mode: text("direct"),
});
const contribution = v.object({
  word: v.fallback(v.nullable(v.string()), null),
  category: v.fallback(v.nullable(v.string()), null),
  from: text("observation"),
  reason: text(""),
});
const issued = v.object({
  verdict: v.fallback(v.nullable(v.string()), null),
  reasons: v.fallback(v.array(v.string()), []),
  contributions: v.fallback(v.array(contribution), []),
});
const completed = v.object({ exit_code: v.number(), exit_source: v.string() });
const results = v.object({
  passed: v.fallback(v.nullable(v.number()), null),
  failed: number,
  skipped: number,
  failedNames: v.fallback(v.array(v.string()), []),
});
const verified = v.object({
  command: text("?"),
  failure: v.fallback(v.nullable(v.string()), null),
  ms: number,
  results: v.fallback(v.array(results), []),
});
const request = v.object({ status: number, inputTokens: tokens, outputTokens: tokens, costUsd: tokens });
const inventory = v.object({
  total: number,
  complete: v.fallback(v.boolean(), false),
  changes: v.fallback(v.array(v.object({ change: v.string(), path: v.string() })), []),
});
const landing = v.object({
  ref: v.fallback(v.nullable(v.string()), null),
  landed: v.fallback(v.array(v.unknown()), []),
  held: v.fallback(v.array(v.unknown()), []),
});

/** The data of a record, checked; what is not there is its fallback. */
function read<Schema extends v.GenericSchema>(schema: Schema, data: Json | undefined): v.InferOutput<Schema> | null {
  const parsed = v.safeParse(schema, data);
  return parsed.success ? parsed.output : null;
}

const isVerification = ({ event }: LedgerRecord) => event === "verification.ran";

function verificationOf(record: LedgerRecord): ReportedVerification[] {
  const data = read(verified, record.data);
  if (data === null) return [];
  const { command, failure, ms, results: all } = data;
  const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
  const known = all.filter(({ passed }) => passed !== null);
  return [
    {
      ...{ command, failure, ms: Math.round(ms) },
      passed: known.length === 0 ? null : known.reduce((total, { passed }) => total + (passed ?? 0), 0),
      failed: sum((one) => one.failed),
      skipped: sum((one) => one.skipped),
      failedNames: all.flatMap((one) => one.failedNames).slice(0, MAX_LISTED),
    },
  ];
}

const said = (value: Json | undefined) =>
  typeof value === "string" ? value : value == null ? "?" : JSON.stringify(value);

function denialOf({ event, data }: LedgerRecord): Denial[] {
  if (event === "command.denied")
    return [{ what: "command", subject: said(data["path"]), reason: said(data["reason"]) }];
  if (event !== "egress.attempt" || data["verdict"] !== "denied") return [];
  const subject = data["host"] == null ? "?" : `${said(data["host"])}:${said(data["port"])}`;
  return [{ what: "network", subject, reason: said(data["reason"] ?? data["rule"]) }];
}

function total(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((each) => each !== null);
  return known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0);
}

/** Null when one that was answered has no price: a sum without it would be too small. */
function priced(requests: readonly { status: number; costUsd: number | null }[]): number | null {
  const answered = requests.filter(({ status }) => status < 400);
  return answered.some(({ costUsd }) => costUsd === null) ? null : total(answered.map(({ costUsd }) => costUsd));
}

/** What else of a ledger a report is made from. What a worker causes without end (commands, refusals) is counted and let go. */
const KEPT: ReadonlySet<string> = new Set([
  ...["run.registered", "attempt.started", "verification.ran", "model.request", "workspace.inventory"],
  ...["workspace.landed", "verdict.issued", "run.completed"],
]);

type Read = {
  kept: LedgerRecord[];
  commands: number;
  denied: number;
  denials: Denial[];
  began: string | null;
  ms: number;
};

function readAll(all: Iterable<LedgerRecord>): Read {
  const found: Read = { kept: [], commands: 0, denied: 0, denials: [], began: null, ms: 0 };
  for (const record of all) {
    found.began ??= record.ts;
    found.ms = Date.parse(record.ts) - Date.parse(found.began);
    if (record.event === "command.observed") found.commands += 1;
    if (KEPT.has(record.event)) found.kept.push(record);
    for (const denial of denialOf(record)) {
      found.denied += 1;
      if (found.denials.length < MAX_LISTED) found.denials.push(denial);
    }
  }
  return found;
}

/** The report of a run, as far as its ledger goes. */
export function reportOf({ row, records: whole, verification, file }: Reviewed): RunReport {
  const { kept: records, commands, denied, denials, began, ms } = readAll(whole);
  const all = (event: string) => records.filter((record) => record.event === event);
  const last = (event: string) => all(event).at(-1)?.data;
  const contract = v.parse(registered, last("run.registered") ?? {});
  const { verdict, reasons, contributions } = v.parse(issued, last("verdict.issued") ?? {});
  const end = read(completed, last("run.completed"));
  const requests = all("model.request").map(({ data }) => v.parse(request, data));
  const changed = v.parse(inventory, last("workspace.inventory") ?? {});
  const kinds = (kind: string) => changed.changes.filter(({ change }) => change === kind).length;
  const land = read(landing, last("workspace.landed"));
  const begun = records.findLastIndex(({ event }) => event === "attempt.started") + 1;
  return {
    version: 1,
    run: row.id,
    ...contract,
    ...{ verdict, reasons },
    exit: end === null ? null : { code: end.exit_code, source: end.exit_source },
    findings: contributions,
    attempts: all("attempt.started").length,
    verification: records.slice(begun).filter(isVerification).flatMap(verificationOf),
    ...{ denied, denials, commands },
    models: {
      requests: requests.length,
      failed: requests.filter(({ status }) => status >= 400).length,
      inputTokens: total(requests.map(({ inputTokens }) => inputTokens)),
      outputTokens: total(requests.map(({ outputTokens }) => outputTokens)),
      costUsd: priced(requests),
    },
    changes: {
      ...{ total: changed.total, complete: changed.complete },
      ...{ created: kinds("created"), modified: kinds("modified"), deleted: kinds("deleted") },
      paths: changed.changes.slice(0, MAX_LISTED).map(({ change, path }) => ({ change, path })),
    },
    landed: land === null ? null : { ref: land.ref, landed: land.landed.length, held: land.held.length },
    ...{ began, ms },
    ledger: { file, state: verification.state, records: verification.records },
  };
}

/** Whether what the run did may be taken. */
export const isAccepted = ({ verdict }: Pick<RunReport, "verdict">) =>
  verdict === "ACCEPT" || verdict === "ACCEPT_WITH_WARNINGS";
