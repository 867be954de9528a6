// What GitHub Actions is told of a run: outputs, the step's summary, annotations. Each in the form its runner parses, so that no text of a worker
// can say anything to it: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. Pure.

import { randomBytes } from "node:crypto";
import { clip, visible } from "#src/core/text.ts";
import { markdownReport } from "./markdown.ts";
import { isAccepted, type RunReport } from "./report.ts";

/** GitHub drops a whole summary beyond 1 MiB a step, ours and whatever else the step writes. */
const MAX_SUMMARY_BYTES = 512 * 1024;
const MAX_ANNOTATIONS = 10; // a step shows no more of a kind

/** For `GITHUB_OUTPUT`: each value between marks nobody could have foreseen. */
export function githubOutput(report: RunReport, more: Record<string, string> = {}): string {
  const mark = `broke_${randomBytes(16).toString("hex")}`;
  const values: Record<string, string> = {
    verdict: report.verdict ?? "",
    accepted: String(isAccepted(report)),
    reason: visible(report.reasons[0] ?? ""),
    run_id: report.run,
    exit_code: report.exit === null ? "" : String(report.exit.code),
    exit_source: report.exit?.source ?? "",
    changes: String(report.changes.total),
    denials: String(report.denied),
    input_tokens: String(report.models.inputTokens ?? ""),
    output_tokens: String(report.models.outputTokens ?? ""),
    cost_usd: String(report.models.costUsd ?? ""),
    ref: report.landed?.ref ?? "",
    ...more,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}<<${mark}\n${value}\n${mark}\n`);
  return lines.join("");
}

/** For `GITHUB_STEP_SUMMARY`. */
export function githubSummary(report: RunReport): string {
  const { text, cut } = clip(markdownReport(report), MAX_SUMMARY_BYTES);
  return cut ? `${text.slice(0, text.lastIndexOf("\n"))}\n\n… cut\n` : `${text}\n`;
}

const escapeData = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string) => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** One line for each reason, as an annotation of the job. */
export function githubAnnotations(report: RunReport): string[] {
  const level = isAccepted(report) ? "warning" : "error";
  const title = escapeProperty(`broke ${report.verdict ?? "no verdict"}`);
  const reasons = report.verdict === "ACCEPT" ? [] : report.reasons;
  return reasons
    .slice(0, MAX_ANNOTATIONS)
    .map((reason) => `::${level} title=${title}::${escapeData(visible(reason, "lines"))}`);
}
