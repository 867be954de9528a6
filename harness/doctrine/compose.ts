// Doctrines laid on one another: core, one for the kind of work, overlays. Each may only tighten what those below it say; one that would loosen
// anything, or leave nothing that may be changed, is refused, and both are named. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { meansPath } from "../contract/change-rules.ts";
import { type Bounds, isWeaker, tighten } from "../contract/layers.ts";
import { noTerms } from "../contract/terms.ts";
import { policyNames, risks } from "../verdict/policies.ts";
import { CORE, type Doctrine, doctrineLayers } from "./doctrine.ts";

/** What a stack of doctrines comes to. `timeoutMs`: at most; null: as long as the run may take anyhow. */
export type Stack = Bounds & {
  timeoutMs: number | null;
  planning: boolean;
  doctrines: { name: string; version: number; instructions: string }[];
};

const nothing: Stack = {
  ...{ policy: noTerms.policy, risk: noTerms.risk, retries: null, budget: noTerms.budget, mustVerify: false },
  verification: [],
  ...{ allowed: [], forbidden: [], required: [], timeoutMs: null, planning: false, doctrines: [] },
};

/** What one doctrine alone asks for. */
export function boundsOfDoctrine(doctrine: Doctrine): Bounds {
  const { policy, risk, retries, verification, roles } = doctrine;
  const allowed = doctrine["allowed-paths"];
  return {
    policy: policy ?? noTerms.policy,
    risk: risk ?? noTerms.risk,
    retries: retries ?? null,
    budget: {
      turns: doctrine["max-turns"] ?? null,
      tokens: doctrine["max-tokens"] ?? null,
      cost: doctrine["max-cost"] ?? null,
    },
    mustVerify: verification ?? false,
    verification: [],
    allowed: allowed === undefined ? [] : [allowed],
    forbidden: doctrine["forbidden-paths"] ?? [],
    required: roles ?? [],
  };
}

const isGlob = (pattern: string) => /[*?[{!]/.test(pattern);
/** Whether two patterns could mean one path; where a glob is involved nobody can say that they do not. */
const couldMeet = (a: string, b: string) => isGlob(a) || isGlob(b) || meansPath(a, b) || meansPath(b, a);

/** In words, what `over` would loosen of `under`. */
function loosened(under: Doctrine, over: Doctrine): string | undefined {
  const more = (a: number | undefined, b: number | undefined) => a !== undefined && b !== undefined && b > a;
  if (isWeaker(policyNames, over.policy, under.policy)) return "policy";
  if (isWeaker(risks, over.risk, under.risk)) return "risk";
  if (more(under.retries, over.retries)) return "retries";
  for (const key of ["timeout", "max-turns", "max-tokens", "max-cost"] as const)
    if (more(under[key], over[key])) return key;
  if (over.verification === false && under.verification === true) return "verification";
  return undefined;
}

/** Whether between them nothing is left that may be changed. */
function shuts(under: Doctrine, over: Doctrine): boolean {
  const [a, b] = [under["allowed-paths"], over["allowed-paths"]];
  if (a !== undefined && b !== undefined && !a.some((one) => b.some((other) => couldMeet(one, other)))) return true;
  const closes = (allowed: string[] | undefined, forbidden: string[] = []) =>
    allowed?.every((path) => forbidden.some((pattern) => meansPath(pattern, path))) ?? false;
  return closes(a, over["forbidden-paths"]) || closes(b, under["forbidden-paths"]);
}

function checkOrder(stack: readonly Doctrine[]): void {
  const place = ({ layer }: Doctrine) => doctrineLayers.indexOf(layer);
  const refuse = (message: string, hint: string): never => {
    throw new BrokeError("usage", message, hint);
  };
  const twice = stack.find(({ name }, index) => stack.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) refuse(`${twice.name} is named twice`, "name each once");
  stack.slice(1).forEach((over, index) => {
    const under = stack[index]!;
    if (place(over) < place(under))
      refuse(`${over.name} cannot lie on ${under.name}`, "a code doctrine, then overlays");
    if (over.layer === "code" && under.layer === "code")
      refuse(`${under.name} and ${over.name} are two kinds of work`, "name one, then overlays");
    if (over.layer === "overlay" && under.layer === "core")
      refuse(`${over.name} is an overlay and lies on a kind of work`, `as in implement,${over.name}`);
  });
}

/** The stack as one. Throws `usage` for a wrong order, `denied` where two contradict one another. */
export function composeDoctrines(stack: readonly Doctrine[]): Stack {
  if (stack[0]?.name !== CORE) throw new BrokeError("internal", "a stack begins with core");
  checkOrder(stack);
  return stack.reduce<Stack>((below, over, index) => {
    for (const under of stack.slice(0, index)) {
      const what = loosened(under, over);
      if (what !== undefined)
        throw new BrokeError("denied", `${over.name} would loosen ${what}, which ${under.name} holds`, "leave one out");
      if (shuts(under, over))
        throw new BrokeError("denied", `${under.name} and ${over.name} leave nothing that may change`, "leave one out");
    }
    const { name, version, instructions, timeout } = over;
    return {
      ...tighten(below, boundsOfDoctrine(over)),
      timeoutMs: timeout === undefined ? below.timeoutMs : Math.min(timeout, below.timeoutMs ?? Infinity),
      planning: below.planning || over.planning,
      doctrines: [...below.doctrines, { name, version, instructions }],
    };
  }, nothing);
}
