// The end of a run on record: the ledger first, the audit from it, the table last: what is missing of the later ones is completed from the earlier.

import type { Outcome } from "../evidence/outcome.ts";
import type { Verdict, RunExit } from "../verdict/observed.ts";
import type { RunResult } from "../run.ts";
import { after } from "../supervision/lifecycle.ts";
import type { OpenRun } from "./open.ts";

/** Closes the run. Throws what could not be written; the table has its end even then. */
export function closeRun(
  { deps, ledger, artifacts, launch, paths, notes }: OpenRun,
  { outcome, verdict, exit }: { outcome: "completed" | "failed"; verdict: Verdict; exit: RunExit },
): RunResult {
  const said: Outcome = {
    ...{ kind: "outcome", v: 1, run: ledger.run, outcome, exit },
    ...{ verdict: verdict.verdict, categories: verdict.categories, reasons: verdict.reasons },
  };
  artifacts.put({ kind: "outcome", class: "inference", content: { kind: "json", value: said } });
  ledger.append("checkpoint.opened", { reason: "ended" });
  ledger.append("verdict.issued", { ...verdict });
  const end = { outcome, exit_code: exit.code, exit_source: exit.source };
  ledger.append("run.completed", end);
  try {
    launch.ended({ ...end, verdict: verdict.verdict });
  } finally {
    const status = deps.runs.get(ledger.run)?.status ?? "registered";
    const to = after(status, outcome === "failed" ? "fail" : "complete");
    deps.runs.setStatus(ledger.run, to ?? "abandoned", verdict.verdict);
  }
  return { notes, runId: ledger.run, verdict, exit, ledgerFile: paths.ledger };
}
