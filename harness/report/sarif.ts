// A run as SARIF 2.1.0, as code scanning reads it: a rule for each category of finding, a result for each finding.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Pure.

import { visible, visibleJson } from "#src/core/text.ts";
import { categories, meanings } from "../verdict/categories.ts";
import type { ReportedFinding, RunReport } from "./report.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

const levelOf = ({ word }: ReportedFinding): "error" | "warning" | "note" => {
  if (word === null || word === "ACCEPT") return "note";
  return word === "ACCEPT_WITH_WARNINGS" ? "warning" : "error";
};

/** Percent-encoded, each segment for itself, as a URI relative to the root of what was checked out. */
const uriOf = (path: string) => path.toWellFormed().split("/").map(encodeURIComponent).join("/");

/** Code scanning shows only results with a place in the repository: the first file that was changed, else the folder's readme. */
function locationOf({ changes }: RunReport) {
  const uri = uriOf(changes.paths.find(({ change }) => change !== "deleted")?.path ?? "README.md");
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: "%SRCROOT%" }, region: { startLine: 1 } } };
}

/** The SARIF document. */
export function sarifReport(report: RunReport): string {
  const location = locationOf(report);
  const results = report.findings.map((finding) => ({
    ruleId: finding.category ?? "opinion",
    level: levelOf(finding),
    message: { text: visible(`${finding.word ?? "noted"}: ${finding.reason}`, "lines") },
    locations: [location],
    properties: { from: finding.from },
  }));
  const rules = [
    ...categories.map((id) => ({ id, shortDescription: { text: meanings[id] } })),
    { id: "opinion", shortDescription: { text: "what a reviewer says, of no category" } },
  ];
  const document = {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "broke", rules } },
        automationDetails: { id: `broke/${report.run}` },
        invocations: [
          { executionSuccessful: report.exit !== null, ...(report.exit && { exitCode: report.exit.code }) },
        ],
        results,
        properties: { verdict: report.verdict },
      },
    ],
  };
  return `${visibleJson(document, 2)}\n`;
}
