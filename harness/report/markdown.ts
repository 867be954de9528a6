// A run as Markdown, for a step's summary or a comment. Every text that comes from elsewhere stands in a code span, where it is neither markup nor
// a mention. Pure.

import { visible } from "#src/core/text.ts";
import { isAccepted, type RunReport } from "./report.ts";

const MAX_CELL = 300;

/** A code span that holds any text on one line, also within a table (GFM: a `|` there is escaped even in code). */
export function codeSpan(text: string): string {
  const line = visible(text.toWellFormed(), "lines").replace(/[\n\t]+/g, " ⏎ ");
  const cut = line.length > MAX_CELL ? `${line.slice(0, MAX_CELL)}…` : line;
  if (cut.trim() === "") return "–";
  const longest = Math.max(0, ...(cut.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  const pad = cut.startsWith("`") || cut.endsWith("`") || (cut.startsWith(" ") && cut.endsWith(" ")) ? " " : "";
  return `${fence}${pad}${cut.replaceAll("|", "\\|")}${pad}${fence}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}

const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [`### ${title}`, "", ...lines]);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const count = (number: number | null) => (number === null ? "?" : String(number));

function facts(report: RunReport): string[] {
  const { models, changes, exit, landed } = report;
  const work = `${changes.total} changed${changes.complete ? "" : " at least"} (${changes.created} created, ${changes.modified} modified, ${changes.deleted} deleted)`;
  return table(
    ["", ""],
    [
      ["run", codeSpan(report.run)],
      ["client", `${codeSpan(report.client)} in ${codeSpan(report.profile)}, policy ${codeSpan(report.policy)}`],
      ["exit", exit === null ? "never closed" : `${exit.code}, by ${codeSpan(exit.source)}`],
      ["took", seconds(report.ms)],
      ["work", landed?.ref == null ? work : `${work}, at ${codeSpan(landed.ref)}`],
      [
        "models",
        `${models.requests} requests, ${models.failed} failed, ${count(models.inputTokens)} tokens in, ${count(models.outputTokens)} out, ${models.costUsd === null ? "price unknown" : `$${models.costUsd.toFixed(4)}`}`,
      ],
      ["commands", `${report.commands} seen; ${report.denied} commands and connections refused`],
      ["ledger", `${codeSpan(report.ledger.state)}, ${report.ledger.records} records`],
    ],
  );
}

/** The document. */
export function markdownReport(report: RunReport): string {
  const sign = isAccepted(report) ? "✅" : "❌";
  const lines = [
    `## ${sign} broke: ${report.verdict ?? "no verdict"}`,
    "",
    ...report.reasons.slice(0, 20).map((reason) => `- ${codeSpan(reason)}`),
    "",
    ...facts(report),
    ...section(
      "Verification",
      table(
        ["command", "outcome", "passed", "failed", "skipped"],
        report.verification.map((one) => [
          codeSpan(one.command),
          one.failure === null ? "held" : codeSpan(one.failure),
          ...[count(one.passed), String(one.failed), String(one.skipped)],
        ]),
      ),
    ),
    ...section(
      "Refused",
      table(
        ["what", "subject", "reason"],
        report.denials.map(({ what, subject, reason }) => [what, codeSpan(subject), codeSpan(reason)]),
      ),
    ),
    ...section(
      "Changed",
      table(
        ["change", "path"],
        report.changes.paths.map(({ change, path }) => [codeSpan(change), codeSpan(path)]),
      ),
    ),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}
