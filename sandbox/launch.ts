// One sandboxed process from plan to end: observer first, then bwrap, then the order to init, then what init reports.
// Fails closed: a chain whose client's status we did not see, or whose observer was lost, ends as `unobserved`, and everything in it dies.
// Does not stop: what the plan allows.

import * as v from "valibot";
import { closeSync, writeSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { type Report, reportLine } from "./chain.ts";
import { makeLineSplitter } from "./chain-wire.ts";
import type { ExecEnd } from "./exec-ends.ts";
import type { Arch } from "./host.ts";
import { ownCode } from "./own-code.ts";
import { type HeldAnswer, type HeldExec, type ObservedExec, startObserver } from "./observer.ts";
import type { SandboxPlan } from "./plan.ts";
import { type ClientStreams, spawnSandbox, type Stdio } from "./spawn.ts";

export type SandboxEnd =
  | { kind: "exited"; code: number; signal: number | null }
  /** Everything in it died at once: killed by us, or by the kernel for want of memory. */
  | { kind: "gone"; reason: string }
  | { kind: "unobserved"; reason: string };

export type SandboxEvents = {
  onExec?(exec: ObservedExec): void;
  /** The ends of processes it told of. */
  onEnded?(ends: ExecEnd[]): void;
  /** Whether a program that is to be asked about, or any program of a governed run, may run. Without it none may. */
  onHeld?(held: HeldExec): Promise<HeldAnswer>;
  /** The client stopped itself (Ctrl-Z). */
  onStopped?(): void;
  /** The walls were tried from within, and hold; `ms` is what that took. */
  onProbed?(passed: string[], ms: number): void;
  /** After that: the process that is the client from now on. */
  onStarted?(pid: number): void;
};

export type RunningSandbox = {
  process: Bun.Subprocess;
  streams: ClientStreams | undefined;
  /** Resolves once, after every process of the sandbox is gone. */
  ended: Promise<SandboxEnd>;
  /** Sends a signal to the client's process group. */
  signal(number: number): void;
  /** Stops every process in it, or lets them go on. False: the sandbox did not say that it was done. */
  freeze(): Promise<boolean>;
  thaw(): Promise<boolean>;
  /** Kills everything in the sandbox. */
  kill(): void;
};

const MAX_REPORT_BYTES = 64 * 1024;
/** Init has nothing else to do. */
const ANSWER_MS = 5000;

async function readReports(control: number, onReport: (report: Report) => void): Promise<void> {
  const split = makeLineSplitter(MAX_REPORT_BYTES);
  try {
    for await (const piece of Bun.file(control).stream()) {
      for (const line of split(piece)) onReport(v.parse(reportLine, parseJson(line)));
    }
  } catch (error) {
    // A reset socket is the end of the conversation like any other; what it did not say is missing, and missing is unobserved.
    if (error instanceof v.ValiError || error instanceof RangeError) throw error;
  }
}

/** A port on the host's own loopback that nothing inside may reach. */
function openDecoy(): Bun.TCPSocketListener {
  return Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
}

/** Starts the planned sandbox. Throws `missing` when bwrap cannot be started at all. */
export async function launchSandbox(
  plan: SandboxPlan,
  arch: Arch,
  stdio: Stdio,
  events: SandboxEvents = {},
  prefix: string[] = [],
): Promise<RunningSandbox> {
  let unrecorded = false;
  const code = await ownCode();
  const observer = startObserver(arch, plan.run, code["observer-worker"], {
    onExec: (exec) => tell(() => events.onExec?.(exec)),
    onEnded: (ends) => tell(() => events.onEnded?.(ends)),
    onHeld: async (held) => (await events.onHeld?.(held)) ?? false,
  });
  const spawned = (() => {
    try {
      return spawnSandbox(plan, code, observer.childFd, stdio, prefix);
    } catch (error) {
      observer.stop();
      if (error instanceof BrokeError) throw error;
      throw new BrokeError("missing", "bubblewrap cannot be started", "`broke doctor` says what is missing");
    }
  })();
  const { process: child, streams, control, drained } = spawned;
  let report: Report | undefined;
  let client = 0;
  let proven = false;
  let failure: string | undefined;
  const answers: ((done: boolean) => void)[] = [];
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  };
  const say = (order: object) => {
    try {
      writeSync(control, `${JSON.stringify(order)}\n`);
    } catch {
      // EPIPE, init went away: the reports that did come, or did not, decide.
    }
  };
  const decoy = plan.order.probes.decoyPort === null ? undefined : openDecoy();
  const probes = { ...plan.order.probes, decoyPort: decoy?.port ?? null };
  say({ ...plan.order, probes });
  const tell = (event: () => void) => {
    try {
      event();
    } catch {
      // Whoever keeps the record could not: from here on the run would go unobserved.
      failure ??= "an event of the run could not be recorded";
      unrecorded = true;
      kill();
    }
  };
  const reports = readReports(control, (line) => {
    if (line.kind === "started") client = line.pid;
    else if (line.kind === "probed") {
      decoy?.stop(true);
      proven = true;
      tell(() => events.onProbed?.(line.passed, line.ms));
      tell(() => events.onStarted?.(client));
    } else if (line.kind === "breached")
      failure = `the sandbox that was built does not hold (${line.breached.join("; ")}), and nothing was run in it`;
    else if (line.kind === "frozen" || line.kind === "thawed") answers.shift()?.(true);
    else if (line.kind === "stopped") tell(() => events.onStopped?.());
    else if (line.kind === "exited") report = line;
    else if (line.kind === "failed")
      failure = `${line.stage} failed inside the sandbox (errno ${line.errno ?? "none"})`;
  }).catch(() => {
    failure = "init sent something that is not a report";
    kill();
  });
  void observer.done.then(({ lost }) => {
    if (lost === undefined) return;
    failure = `the exec observer was lost: ${lost}`;
    kill();
  });
  const ended = (async (): Promise<SandboxEnd> => {
    await child.exited;
    decoy?.stop(true);
    await drained;
    await reports;
    observer.stop();
    const { attached, lost } = await observer.done;
    closeSync(control);
    if (lost !== undefined) return { kind: "unobserved", reason: `the exec observer was lost: ${lost}` };
    if (unrecorded) return { kind: "unobserved", reason: "an event of the run could not be recorded" };
    if (report?.kind !== "exited" || !proven) {
      if (failure !== undefined) return { kind: "unobserved", reason: failure };
      if (report !== undefined) return { kind: "unobserved", reason: "the sandbox was not proven to hold" };
      return { kind: "gone", reason: "the sandbox ended without a report" };
    }
    if (!attached) return { kind: "unobserved", reason: "the exec observer never attached" };
    return { kind: "exited", code: report.code, signal: report.signal };
  })();
  const ask = (kind: "freeze" | "thaw"): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    answers.push(resolve);
    say({ kind });
    return Promise.race([promise, ended.then(() => false), Bun.sleep(ANSWER_MS).then(() => false)]);
  };
  return {
    ...{ process: child, streams, ended, kill },
    signal: (number) => say({ kind: "signal", signal: number }),
    freeze: () => ask("freeze"),
    thaw: () => ask("thaw"),
  };
}
