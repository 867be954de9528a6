// Permissions to run programs, spelled as Deno spells them: names, looked up on PATH, and paths. Pure; what the words mean on this machine is
// found out in run-programs.ts. Deny wins, then ask, then allow.
// Does not stop: see run-rules.ts.

import { BrokeError } from "#src/core/errors.ts";
import type { AskFlags, ListFlags } from "./permission-flags.ts";

/** Words as given. `others`: what is on no list, the client itself excepted. */
export type RunPermission = { others: "allow" | "deny" | "ask"; allow: string[]; deny: string[]; ask: string[] };

const HINT = "programs are git, ./build.sh, /usr/bin/python3";
/** A word may be shown when it can neither hide nor forge anything. */
const SHOWABLE = /^[^\s\p{C}]{1,200}$/u;

function refuse(flag: string, word: string, why: string, hint = HINT): BrokeError {
  const shown = SHOWABLE.test(word) ? `"${word}" ` : "";
  return new BrokeError("usage", `${flag}: ${shown}${why}`, hint);
}

function parseWords(flag: string, lists: string[]): string[] {
  const words = lists.flatMap((list) => list.split(","));
  for (const word of words) {
    if (word === "") throw refuse(flag, word, "a program is missing");
    if (/\p{Cc}/u.test(word)) throw refuse(flag, word, "is not a program's name");
    if (word.includes("*")) throw refuse(flag, word, "is not a program: there are no wildcards");
  }
  return [...new Set(words)];
}

/** The permission the flags give; undefined: every program may run. Throws `usage` on a word that is none and on flags that contradict one another. */
export function parseRunPermission(flags: ListFlags, asks: AskFlags): RunPermission | undefined {
  const allow = parseWords("--allow-run", flags.allow);
  const deny = parseWords("--deny-run", flags.deny);
  const ask = parseWords("--ask-run", asks.list);
  const clash =
    deny.find((word) => allow.includes(word) || ask.includes(word)) ?? ask.find((word) => allow.includes(word));
  if (clash !== undefined) {
    const flag = deny.includes(clash) ? "--deny-run" : "--ask-run";
    throw refuse(flag, clash, flag === "--deny-run" ? "is both allowed and denied" : "is both allowed and asked for");
  }
  if (flags.denyAll && (flags.any || asks.any || allow.length + deny.length + ask.length > 0)) {
    throw new BrokeError(
      "usage",
      "--deny-run without a program denies every program",
      "leave out the other options about programs",
    );
  }
  if (flags.any && asks.any) {
    throw new BrokeError("usage", "--allow-run and --ask-run both name every program", "leave one of them out");
  }
  const narrowed = flags.denyAll || (!flags.any && allow.length > 0);
  const others = asks.any ? "ask" : narrowed ? "deny" : "allow";
  if (others === "allow" && deny.length === 0 && ask.length === 0) return undefined;
  return { others, allow, deny, ask };
}

const order = ["allow", "ask", "deny"] as const;
type Say = RunPermission["others"];
const stricter = (a: Say, b: Say): Say => (order.indexOf(a) > order.indexOf(b) ? a : b);

function sayOf({ others, allow, deny, ask }: RunPermission, word: string): Say {
  if (deny.includes(word)) return "deny";
  if (ask.includes(word)) return "ask";
  return allow.includes(word) ? "allow" : others;
}

/**
 * What both allow, word by word. One program under two names, in one permission each, is what the others are: never more than either says.
 */
export function narrowRun(a: RunPermission | undefined, b: RunPermission | undefined): RunPermission | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const words = new Set([a, b].flatMap(({ allow, deny, ask }) => [...allow, ...deny, ...ask]));
  const said = (say: Say) => [...words].filter((word) => stricter(sayOf(a, word), sayOf(b, word)) === say);
  return { others: stricter(a.others, b.others), allow: said("allow"), deny: said("deny"), ask: said("ask") };
}
