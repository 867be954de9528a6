// A verdict asked for in words: the options of `broke harness evaluate` and `explain-verdict`, checked, as what the algebra works on. All of it was
// typed by somebody, and is marked so. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { categories, type Finding } from "./categories.ts";
import type { Judged, Opinion, Role } from "./decide.ts";
import { policyNames, reviewers, risks } from "./policies.ts";
import { verdicts } from "./words.ts";

export const roleNames = ["worker", ...reviewers] as const satisfies Role[];
const healths = ["healthy", "degraded", "failed"] as const;
const MAX_RETRIES = 1_000;

/** One of the words. Throws `usage`. */
export function oneOf<const Word extends string>(option: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  const guess = nearest(given, [...words]);
  throw new BrokeError(
    "usage",
    `${option}: not one of its words`,
    guess === undefined ? `use one of: ${words.join(", ")}` : `did you mean ${guess}?`,
  );
}

function retriesOf(given: string): number {
  const retries = /^\d+$/.test(given) ? Number(given) : NaN;
  if (retries <= MAX_RETRIES) return retries;
  throw new BrokeError("usage", `--retries: a number from 0 to ${MAX_RETRIES}`);
}

/** `category` or `category:note`, in a comma list. */
export function parseFindings(list: string): Finding[] {
  return list.split(",").map((word) => {
    const [name = "", grade = "finding"] = word.split(":");
    const category = oneOf("--finding", categories, name);
    return { category, grade: oneOf("--finding", ["finding", "note"], grade), reason: category, source: "manual" };
  });
}

function opinionOf(role: Role, option: (name: string) => string | undefined): Opinion | undefined {
  const [word, health, error] = [option(role), option(`${role}-health`), option(`${role}-error`)];
  if (word === undefined && health === undefined && error === undefined) return undefined;
  const state =
    health === undefined ? (error === undefined ? "healthy" : "failed") : oneOf(`--${role}-health`, healths, health);
  if (word === undefined && state === "healthy") {
    throw new BrokeError(
      "usage",
      `--${role}-health: nothing is said of the ${role}'s verdict`,
      `add --${role}=<verdict>`,
    );
  }
  return {
    state: "given",
    verdict: word === undefined ? "ACCEPT" : oneOf(`--${role}`, verdicts, word),
    health: state,
    source: "manual",
    ...(error === undefined ? {} : { reason: error }),
  };
}

/** What the options ask to be judged. Throws `usage`. */
export function askedVerdict(option: (name: string) => string | undefined, findings: Finding[]): Judged {
  const roles = roleNames.flatMap((role) => {
    const opinion = opinionOf(role, option);
    return opinion === undefined ? [] : [[role, opinion] as const];
  });
  return {
    policy: oneOf("--policy", policyNames, option("policy") ?? "balanced"),
    risk: oneOf("--risk", risks, option("risk") ?? "normal"),
    retries: retriesOf(option("retries") ?? "0"),
    findings,
    roles: Object.fromEntries(roles),
  };
}
