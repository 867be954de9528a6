// What a reviewer says of work whose run is over: it counts for the last of these runs that changed anything, and only where the tree the reviewer saw,
// before and after it looked, is the tree that run left. Said afterwards it goes into that run's own ledger, with a verdict made anew of all that run was
// judged by, which it can make harder and never softer.
// Does not stop: a supervisor that dies between two of its records: the run's ledger is incomplete then, and says so.

import type { KeyObject } from "node:crypto";
import * as v from "valibot";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RoleStore } from "#src/state/roles.ts";
import type { RunStore } from "#src/state/runs.ts";
import { openArtifacts, readArtifact } from "./artifacts/store.ts";
import type { AuditLog } from "./audit.ts";
import { requireEnded } from "./decide.ts";
import type { Outcome } from "./evidence/outcome.ts";
import { judgedOf, judgedSchema } from "./judged.ts";
import { Ledger } from "./ledger.ts";
import { holdEnded } from "./lock.ts";
import type { LedgerRecord } from "./record.ts";
import { withTold } from "./roles/told.ts";
import { decide, type Opinion, type Role } from "./verdict/decide.ts";
import { verdictOf } from "./verdict/observed.ts";
import { type VerdictWord, verdictExit } from "./verdict/words.ts";
import type { RunView } from "./view.ts";

export type ReviewDeps = {
  home: Home;
  runs: RunStore;
  roles: RoleStore;
  audit: AuditLog;
  keys: { sign: KeyObject; verify: KeyObject };
  clock: Clock;
  secrets: string[];
};

/** `by` is the run it was said in, `who` answered; `trees` are what the reviewer had before it began and when it was done, null where that is not known. */
export type Review = {
  role: Role;
  opinion: Extract<Opinion, { state: "given" }>;
  by: string;
  who: string;
  trees: readonly [string | null, string | null];
};

/** `run` is the one whose work it is about. */
export type Reviewed =
  { run: string; counted: true; verdict: VerdictWord } | { run: string | null; counted: false; reason: string };

const lastOf = (records: readonly LedgerRecord[], is: (record: LedgerRecord) => boolean) => records.findLast(is)?.data;
const storedName = (records: readonly LedgerRecord[], kind: string) => {
  const name = lastOf(records, ({ event, data }) => event === "artifact.stored" && data.kind === kind)?.sha256;
  return typeof name === "string" ? name : undefined;
};

/** The tree before and after a run's work; null where it was not hashed. */
function treesOf(records: readonly LedgerRecord[]): { before: string | null; after: string | null } {
  const hashed = (when: string) => {
    const said = lastOf(records, ({ event, data }) => event === "tree.hashed" && data.when === when)?.sha256;
    return typeof said === "string" ? said : null;
  };
  return { before: hashed("before"), after: hashed("after") };
}

/** The last of the runs that changed something, or may have. */
function worked(deps: ReviewDeps, ended: readonly string[]): RunView | undefined {
  for (const run of ended.toReversed()) {
    const view = requireEnded(deps, run);
    const { before, after } = treesOf(view.records);
    if (before === null || before !== after) return view;
  }
  return undefined;
}

/** Why what was said does not count for that run; undefined: it does. */
function against({ row, records }: RunView, { trees: [first, last] }: Review): string | undefined {
  const { after } = treesOf(records);
  if (row.decision !== null) return "its operator has decided about that work already";
  if (after === null || first === null || last === null) return "the tree is too large to tell whether it is the same";
  if (first !== after) return "the tree it saw is not the one that work left";
  return last === first ? undefined : "the tree was changed while it was reviewed";
}

const exitSchema = v.object({ exit_code: v.nullable(v.number()), exit_source: v.string(), outcome: v.string() });

function amend(deps: ReviewDeps, { row, records }: RunView, review: Review): VerdictWord {
  const paths = runPaths(deps.home, row.id);
  const name = storedName(records, "judged");
  const text = name === undefined ? undefined : readArtifact(paths.artifacts, name)?.toString("utf8");
  const stored = v.safeParse(judgedSchema, text === undefined ? undefined : parseJson(text));
  const ended = v.safeParse(exitSchema, records.at(-1)?.data);
  if (!stored.success || !ended.success) throw new BrokeError("missing", "what that run was judged by was not kept");
  const { role, opinion, by, who } = review;
  const roles = withTold(judgedOf(stored.output).roles, { [role]: opinion });
  const verdict = verdictOf(decide({ ...judgedOf(stored.output), roles }));
  const { outcome, exit_code: code, exit_source: source } = ended.output;
  const own = source === "broke" || (source === "client" && code !== 0 && code !== null);
  const asked = verdictExit[verdict.verdict];
  const exit = own ? { code: code ?? 0, source } : { code: asked, source: asked === 0 ? "client" : "verdict" };
  const head = records.at(-1)!;
  const redact = makeRedactor(deps.secrets);
  using ledger = new Ledger({
    ...{ file: paths.ledger, run: row.id, key: deps.keys.sign, clock: deps.clock, redact },
    from: { seq: head.seq, hash: head.hash },
    saveHead: (at) => deps.runs.saveHead(row.id, at),
  });
  const append = (event: string, data: Record<string, Json>) => void ledger.append(event, data);
  const artifacts = openArtifacts({ folder: paths.artifacts, append, redact });
  append("role.told", {
    ...{ role, state: opinion.state, verdict: opinion.verdict, reason: opinion.reason ?? null, by_run: by, by: who },
    ...{ tree_sha256: review.trees[0], evidence_sha256: storedName(records, "evidence") ?? null },
  });
  const inference = { class: "inference" } as const;
  artifacts.put({ ...inference, kind: "judged", content: { kind: "json", value: { ...stored.output, roles } } });
  const said: Outcome = {
    ...{ kind: "outcome", v: 1, run: row.id, outcome, exit },
    ...{ verdict: verdict.verdict, categories: verdict.categories, reasons: verdict.reasons },
  };
  artifacts.put({ ...inference, kind: "outcome", content: { kind: "json", value: said } });
  append("checkpoint.opened", { reason: "reviewed" });
  append("verdict.issued", { ...verdict });
  append("run.completed", { outcome, exit_code: exit.code, exit_source: exit.source });
  deps.runs.setStatus(row.id, row.status, verdict.verdict);
  deps.audit.append(row.id, "work.reviewed", { role, verdict: verdict.verdict, by_run: by });
  deps.roles.record({
    ...{ role, slot: null, backend: who, run: row.id, verdict: opinion.verdict, contribution: null, reason: null },
  });
  return verdict.verdict;
}

/** Takes a review to the work it is about, among these runs, the oldest first. Never throws: what could not be counted says why. */
export function reviewWork(deps: ReviewDeps, ended: readonly string[], review: Review): Reviewed {
  let run: string | null = null;
  const not = (reason: string): Reviewed => ({ run, counted: false, reason });
  try {
    const view = worked(deps, ended);
    if (view === undefined) return not("no run before it changed anything");
    run = view.row.id;
    const reason = against(view, review);
    if (reason !== undefined) return not(reason);
    using _held = holdEnded(deps.home, run);
    return { run, counted: true, verdict: amend(deps, requireEnded(deps, run), review) };
  } catch (error) {
    return not(error instanceof BrokeError ? error.message : "it could not be put on record");
  }
}
