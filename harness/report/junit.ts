// A run as JUnit XML, as CI systems read it: one suite for the verdict, one for the verification commands and the tests that failed in them,
// one for what was refused. Element and attribute names as in https://github.com/testmoapp/junitxml. Pure.

import { isAccepted, type ReportedVerification, type RunReport } from "./report.ts";
import { element, xmlText } from "./xml.ts";

type Case = {
  name: string;
  className: string;
  seconds: number;
  failure?: { kind: string; message: string; text: string };
};

function caseXml({ name, className, seconds, failure }: Case): string {
  const attributes = { name, classname: className, time: seconds.toFixed(3) };
  if (failure === undefined) return element("testcase", attributes);
  const { kind, message, text } = failure;
  return element("testcase", attributes, [element("failure", { type: kind, message }, [xmlText(text)])]);
}

function suite(name: string, cases: readonly Case[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  const counts = { tests: cases.length, failures, errors: 0, skipped: 0, time: seconds.toFixed(3) };
  return element("testsuite", { name, ...counts }, cases.map(caseXml));
}

function verdictCase(report: RunReport): Case {
  const base = { name: "verdict", className: "broke", seconds: report.ms / 1000 };
  if (isAccepted(report)) return base;
  const verdict = report.verdict ?? "no verdict";
  const message = report.reasons[0] ?? "the run was never closed";
  return { ...base, failure: { kind: verdict, message, text: [verdict, ...report.reasons].join("\n") } };
}

function verificationCases({ command, failure, ms, failedNames }: ReportedVerification): Case[] {
  const base = { name: command, className: "verification", seconds: ms / 1000 };
  const whole =
    failure === null ? base : { ...base, failure: { kind: "verification", message: failure, text: failure } };
  const message = "failed in a verification of the run";
  const tests = failedNames.map((name) => ({
    ...{ name, className: `verification: ${command}`, seconds: 0 },
    failure: { kind: "test", message, text: message },
  }));
  return [whole, ...tests];
}

/** The XML document. */
export function junitReport(report: RunReport): string {
  const refused = report.denials.map(({ what, subject, reason }) => ({
    ...{ name: `${what} ${subject}`, className: "denied", seconds: 0 },
    failure: { kind: "denied", message: reason, text: `${subject}: ${reason}` },
  }));
  const suites = [
    suite("broke verdict", [verdictCase(report)]),
    suite("broke verification", report.verification.flatMap(verificationCases)),
    // A refusal is what the sandbox is for: it fails nothing unless the verdict says so, and is told as output.
    element("testsuite", { name: "broke denials", tests: 0, failures: 0, errors: 0, skipped: 0, time: "0.000" }, [
      element("system-out", {}, [xmlText(refused.map(({ failure }) => failure.text).join("\n"))]),
    ]),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("testsuites", { name: `broke ${report.run}` }, suites)}\n`;
}
