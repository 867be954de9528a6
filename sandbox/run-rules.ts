// Which programs may run, decided by the file behind a path: device and inode, never the name. Pure; loaded inside the observer's thread.
// Does not stop: a program doing by itself what another one would have done (an interpreter, a compiler, a shell's own commands).

import type { ExecTarget, ProgramFile } from "./exec-target.ts";

/** Files are `device:inode`. A file on no list is treated as `others` says. */
export type RunRules = {
  others: "allow" | "deny" | "ask";
  allowed: string[];
  denied: string[];
  asked: string[];
  /** The file that is mounted over what is denied. */
  mask: string | null;
  /** Paths of programs that are not shown, because no rule allows them. */
  hidden: string[];
  /** Every call that may go on waits for the supervisor's word. */
  governed?: boolean;
};

/** A file as it is now: `stamp` changes with its content. */
export type AskedFile = Omit<ProgramFile, "runnable">;

export type RunVerdict =
  | { kind: "allow" }
  /** Nothing is there to be run; `hold` where what could appear there meanwhile must not run either. */
  | { kind: "absent"; hold: boolean }
  | { kind: "deny"; reason: string }
  /** `files` are the ones to be asked about, all of them. */
  | { kind: "ask"; files: AskedFile[] };

export const anyProgram: RunRules = { others: "allow", allowed: [], denied: [], asked: [], mask: null, hidden: [] };

/** Makes the decision for one run's rules. `path` is absolute, as it was asked for. */
export function makeRunDecision(rules: RunRules): (target: ExecTarget, path: string) => RunVerdict {
  const [allowed, denied, asked, hidden] = [rules.allowed, rules.denied, rules.asked, rules.hidden].map(
    (list) => new Set(list),
  ) as [Set<string>, Set<string>, Set<string>, Set<string>];
  const open = rules.others === "allow";
  return (target, path) => {
    if (target.kind === "absent") {
      if (hidden.has(path)) return { kind: "deny", reason: "no rule allows it" };
      return { kind: "absent", hold: !open };
    }
    const bad = target.files.find(({ id }) => id === rules.mask || denied.has(id));
    if (bad !== undefined) return { kind: "deny", reason: `a rule denies ${bad.path}` };
    if (target.kind === "unknown" && (!open || asked.size > 0)) {
      return { kind: "deny", reason: "what it would run could not be told" };
    }
    const listed = ({ id }: { id: string }) => asked.has(id) || allowed.has(id);
    if (rules.others === "deny") {
      const strange = target.files.find((file) => !listed(file));
      if (strange !== undefined) return { kind: "deny", reason: `no rule allows ${strange.path}` };
    }
    const files = target.files.filter((file) => asked.has(file.id) || (rules.others === "ask" && !listed(file)));
    if (files.length === 0) return { kind: "allow" };
    return { kind: "ask", files: files.map(({ runnable: _, ...file }) => file) };
  };
}
