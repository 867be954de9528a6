// The governor of one run: judges each command before it goes on, keeps the count, asks for a proof, tells the operator. Its state is here, in the
// supervisor, and nothing inside the sandbox reaches it.
// Does not stop: what a process does without starting another one: the client's own editing tools, a shell's own words in a process that runs
// already. What came of it is judged at the end like everything else.

import { readlinkSync } from "node:fs";
import { posix } from "node:path";
import type { Json } from "#src/core/json.ts";
import { startOf } from "#sandbox/lineage.ts";
import type { HeldAnswer, HeldExec, ObservedExec } from "#sandbox/observer.ts";
import type { Finding } from "../verdict/categories.ts";
import type { PolicyName } from "../verdict/policies.ts";
import type { Proof } from "../verification.ts";
import { classes, type Traits } from "./classes.ts";
import { type Classified, classify, type Places } from "./classify.ts";
import { thresholds } from "./policy.ts";
import { frees, isShadowed, repeated } from "./proof.ts";
import { SHELLS, toolNamed } from "./tools.ts";
import {
  causes,
  fresh,
  type GovernorEvent,
  type OperatorAct,
  type Outcome,
  refusal,
  type State,
  step,
} from "./state.ts";

/** A process the supervisor saw end. `code` null: it could not be told. */
export type EndedCommand = { pid: number; code: number | null };

export type Governor = {
  /** Whether a call may go on. */
  judge(held: HeldExec): Promise<HeldAnswer>;
  ended(command: EndedCommand): void;
  /** Does what the operator says; whether that changed anything. */
  operator(act: OperatorAct): boolean;
  findings(): Finding[];
  /** Nothing is proven any more. Resolves when nothing of it runs. */
  stop(): Promise<void>;
};

export type GovernorOptions = {
  policy: Exclude<PolicyName, "off">;
  places: Places & { tree: string };
  /** The operator's own verification commands. */
  verification: readonly string[];
  /** Runs commands on a copy of the tree as it is. */
  prove(commands: string[], over: AbortSignal): Promise<Proof>;
  /** Something that changes with every change of the tree, but for what tests leave. */
  fingerprint(): string;
  record(event: string, data: Record<string, Json>): void;
  /** One line for the person. */
  tell(text: string): void;
};

/** A test, or a build, that was let through: what it starts is part of it. */
type Root = { kind: "test" | "build"; start: number | null; command: Classified };

const MAX_ROOTS = 512;
const MAX_REFUSALS = 1000;
const GONE_MS = 50;
/** That a process is gone may be seen before how it ended is told; some ends are never told. */
const WORD_MS = 250;
/** Runners that fail where there is no test: their own end says that tests ran. */
const OUTSPOKEN: ReadonlySet<string> = new Set(["pytest", "py.test", "jest", "vitest", "bun", "mocha"]);

const isOutspoken = ({ tool, verb }: Classified) => OUTSPOKEN.has(tool) || (tool === "python" && verb === "pytest");

/**
 * Whether a process was only just made by a program that is no shell, to become another: its maker would be told of a failed start, and few pass on
 * what was said meanwhile. A shell does, and says itself what was not permitted.
 */
function isFresh({ exe, lineage }: ObservedExec): boolean {
  const [parent] = lineage;
  if (exe === null || parent === undefined || lineage.length < 2 || SHELLS.has(toolNamed(posix.basename(exe))))
    return false;
  try {
    return readlinkSync(`/proc/${parent}/exe`) === exe;
  } catch {
    return false;
  }
}

/** Starts governing a run. What was written before this moment is not the worker's. */
export function makeGovernor(options: GovernorOptions): Governor {
  const { policy, places, verification, prove, fingerprint, record, tell } = options;
  const limits = thresholds[policy];
  const since = BigInt(Date.now()) * 1_000_000n;
  const roots = new Map<number, Root>();
  /** What the client itself was launched with. */
  const own = new Set<string>();
  const over = new AbortController();
  let state: State = fresh;
  let client = true;
  let refusals = 0;
  let last: { pid: number; name: string | undefined } = { pid: 0, name: undefined };
  let proving: Promise<void> | undefined;
  /** The worker's latest test, while only verification may run. */
  let tested: { exec: ObservedExec; start: number | null; word: PromiseWithResolvers<void> } | undefined;
  const next = verification[0] ?? "run the project's tests";

  const take = (event: GovernorEvent): Outcome => {
    const outcome = step(state, event, limits);
    state = outcome.state;
    if (outcome.news === null) return outcome;
    const { mode, cause, writes, risk, failures } = state;
    record("governor.mode", { mode, news: outcome.news, cause, writes, risk, failures });
    const why = cause === null ? "" : `: ${causes[cause]}`;
    if (outcome.news === "warned")
      tell(`governor: ${writes} writes and a risk of ${risk} since the last green verification`);
    else
      tell(
        `governor: ${mode === "open" ? `${event.kind === "operator" ? "cleared by the operator" : "verified green"}, every command may run again` : `${mode.replace("_", " ")}${why}`}`,
      );
    return outcome;
  };
  const isRoot = (pid: number): Root | undefined => {
    const root = roots.get(pid);
    if (root === undefined) return undefined;
    // The number may be another process's by now.
    if (root.start !== null && startOf(pid) === root.start) return root;
    roots.delete(pid);
    return undefined;
  };
  const insideOf = ({ pid, lineage }: ObservedExec) => {
    const kinds = [pid, ...lineage].map((each) => isRoot(each)?.kind);
    return kinds.includes("test") ? "test" : kinds.includes("build") ? "build" : null;
  };
  const note = (exec: ObservedExec, command: Classified) => {
    const word = command.class;
    if (word !== "test" && word !== "build" && word !== "install") return;
    if (roots.size >= MAX_ROOTS) for (const pid of [...roots.keys()]) isRoot(pid);
    if (roots.size >= MAX_ROOTS) return;
    roots.set(exec.pid, { kind: word === "test" ? "test" : "build", start: startOf(exec.pid), command });
  };
  const proof = async (exec: ObservedExec): Promise<void> => {
    const again = repeated(exec);
    const commands = verification.length > 0 ? [...verification] : again === undefined ? [] : [again];
    if (commands.length === 0 || over.signal.aborted) return;
    const before = fingerprint();
    const found = await prove(commands, over.signal).catch((): Proof => ({ green: false, ran: false }));
    if (over.signal.aborted) return;
    const green = frees(found, verification.length > 0);
    // What was proven is not what is there: it frees nobody, and is nobody's failure.
    if (green && fingerprint() !== before) {
      record("governor.unproven", { reason: "the tree changed while it was verified" });
      return;
    }
    take({ kind: "verified", green, proof: true });
  };
  /** The proof that goes on, or can begin: the worker's own test has ended, and how was told, if it is. Undefined: there is nothing to wait for. */
  const pending = (): Promise<void> | undefined => {
    if (proving !== undefined || state.mode !== "verification_only" || over.signal.aborted) return proving;
    if (tested === undefined || (tested.start !== null && startOf(tested.exec.pid) === tested.start)) return undefined;
    const ended = tested;
    const prove = async () => {
      await Promise.race([ended.word.promise, Bun.sleep(WORD_MS)]);
      if (tested !== ended) return;
      tested = undefined;
      await proof(ended.exec);
    };
    proving = prove().finally(() => (proving = undefined));
    return proving;
  };
  const ticking = setInterval(pending, GONE_MS);
  const refuse = ({ exec, loaders }: HeldExec, command: Classified): HeldAnswer => {
    const refused = refusal(state, next);
    const end = isFresh(exec);
    // A search along PATH goes on after a refusal: it is one.
    const again = last.pid === exec.pid && last.name === exec.argv[0];
    last = { pid: exec.pid, name: exec.argv[0] };
    if (again) return { refused, end };
    refusals += 1;
    if (refusals <= MAX_REFUSALS)
      record("governor.intervened", {
        pid: exec.pid,
        tool: command.tool,
        class: command.class,
        mode: state.mode,
        cause: state.cause,
        // Names; what they are set to may be a secret.
        loads: loaders?.map((each) => each.split("=")[0]!) ?? null,
      });
    return { refused, end };
  };
  const classOf = ({ exec, programs, loaders }: HeldExec): Classified => {
    const settled = programs.length > 0 && programs.every(({ stamp }) => BigInt(stamp) < since);
    const told = classify({ ...exec, files: programs.map(({ path }) => path), settled }, places);
    // What the client's own environment loads is the operator's; what was put there since is the worker's, and shows in no word.
    const laden = !client && (loaders === null || loaders.some((each) => !own.has(each)));
    const hides = laden && told.class !== "test" && (classes[told.class] as Traits).verifying;
    const command: Classified = hides ? { ...told, class: "opaque" } : told;
    return command.tool === "python" && command.real && isShadowed(exec, places)
      ? { ...command, real: false }
      : command;
  };
  return {
    async judge(held) {
      const { exec } = held;
      const command = classOf(held);
      // What the operator launched is what they asked for.
      if (client) {
        client = false;
        for (const each of held.loaders ?? []) own.add(each);
        return true;
      }
      const event = () => ({ kind: "command", command, inside: insideOf(exec) }) as const;
      // What a proof may free waits for it.
      while (!step(state, event(), limits).allowed) {
        const proof = pending();
        if (proof === undefined) break;
        await proof;
      }
      if (!take(event()).allowed) return refuse(held, command);
      note(exec, command);
      if (command.real && state.mode === "verification_only")
        tested = { exec, start: startOf(exec.pid), word: Promise.withResolvers() };
      return true;
    },
    ended({ pid, code }) {
      const test = tested?.exec.pid === pid ? tested : undefined;
      // The worker's own red is believed, and needs no proof.
      if (code !== null && code !== 0 && test !== undefined) tested = undefined;
      test?.word.resolve();
      const root = roots.get(pid);
      roots.delete(pid);
      if (root === undefined || !root.command.real || code === null) return;
      const green = code === 0;
      if (!green || (state.mode === "open" && isOutspoken(root.command)))
        take({ kind: "verified", green, proof: false });
    },
    operator: (act) => take({ kind: "operator", act }).news !== null,
    findings() {
      if (state.mode === "open" || state.cause === null) return [];
      const reason = `the governor ended at ${state.mode.replace("_", " ")}: ${causes[state.cause]}`;
      const finding = (category: Finding["category"], grade: Finding["grade"]): Finding[] => [
        { category, grade, reason, source: "observation" },
      ];
      if (state.mode === "blocked")
        return finding(state.cause === "tests_deleted" ? "fabrication" : "boundary", "finding");
      // The contract's own commands have the last word on the tree.
      return finding("verification", verification.length > 0 ? "note" : "finding");
    },
    async stop() {
      over.abort();
      clearInterval(ticking);
      await proving;
    },
  };
}
