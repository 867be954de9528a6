// What CI is told of a launch: the reports that were asked for, and under GitHub Actions its outputs, summary and annotations, all by themselves.

import { closeSync, writeSync } from "node:fs";
import { publicMessage } from "#src/core/errors.ts";
import type { Home } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { note, workflowCommand } from "./output.ts";

export type Reporting = Disposable & {
  /** Writes everything about a run that has ended. */
  ended(state: { home: Home; runs: RunStore }, runId: string): Promise<void>;
  /** Says that nothing was launched. */
  refused(error: unknown): void;
};

type Env = Record<string, string | undefined>;

/** As in `--report` and `--artifacts`. */
export type Reports = { words: readonly string[]; folder: string | undefined };

/** Opens what will be written. Throws `usage`. */
export async function openReporting({ words, folder }: Reports, cwd: string, env: Env): Promise<Reporting> {
  const { holdReports, openAppend, parseReports } = await import("#harness/report/places.ts");
  const github = env.GITHUB_ACTIONS === "true";
  const reports = holdReports(parseReports(words), cwd);
  const { holdFolder } = await import("#harness/report/job-files.ts");
  const kept = folder === undefined ? undefined : holdFolder(folder, cwd);
  const output = github ? openAppend(env.GITHUB_OUTPUT) : undefined;
  const summary = github ? openAppend(env.GITHUB_STEP_SUMMARY) : undefined;
  let made = false;
  return {
    async ended(state, runId) {
      made = true;
      if (words.length === 0 && kept === undefined && !github) return;
      const { reviewRun } = await import("#harness/view.ts");
      const { runPaths } = await import("#src/state/paths.ts");
      const { reportOf } = await import("#harness/report/report.ts");
      const { signingKeys } = await import("#src/state/secrets.ts");
      const { githubAnnotations, githubOutput, githubSummary } = await import("#harness/report/github.ts");
      const report = reportOf(reviewRun(state.home, state.runs, signingKeys(state.home).verify, runId));
      if (output !== undefined) writeSync(output, githubOutput(report));
      if (summary !== undefined) writeSync(summary, githubSummary(report));
      if (github) for (const line of githubAnnotations(report)) workflowCommand(line);
      // Last: it says so when it cannot.
      reports.write(report);
      kept?.write(report, runPaths(state.home, runId));
    },
    refused(error) {
      if (github)
        workflowCommand(`::error title=broke::${publicMessage(error).replaceAll("%", "%25").replaceAll("\n", "%0A")}`);
      else if (words.length > 0 && !made) note("there is nothing to report: no run was made");
    },
    [Symbol.dispose]() {
      reports[Symbol.dispose]();
      kept?.[Symbol.dispose]();
      for (const fd of [output, summary]) if (fd !== undefined) closeSync(fd);
    },
  };
}
