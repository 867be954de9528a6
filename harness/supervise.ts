// One client in its sandbox, from launch to end: its streams or its terminal, the signals meant for it, every program it starts, what it uses.
// Does not stop: what the plan allows.

import { fstatSync } from "node:fs";
import { launchSandbox, type RunningSandbox, type SandboxEnd } from "#sandbox/launch.ts";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import type { Growth } from "#sandbox/growth.ts";
import { foldLookups } from "#sandbox/lookups.ts";
import type { SandboxPlan } from "#sandbox/plan.ts";
import type { Watch } from "#sandbox/watch.ts";
import { BrokeError, EndedBySignal } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import type { Activity } from "./activity.ts";
import type { Asker } from "./asking.ts";
import { boundArgs } from "./bounded.ts";
import { commandEvent, recordEnds, runQuestion } from "./command.ts";
import type { Budget } from "./budget.ts";
import type { RunContract } from "./contract/contract.ts";
import type { Governor } from "./governor/governor.ts";
import type { Ledger } from "./ledger.ts";
import { endSoon, spareInit, watchRun } from "./limits.ts";
import { watchMemory } from "./memory.ts";
import { type Outside, outsideOf } from "./outside.ts";
import type { Prepared } from "./prepare.ts";
import type { Recorder } from "./recorder.ts";
import type { Transcript } from "./evidence/transcript.ts";
import { forwardSignals } from "./signals.ts";
import type { Spending } from "./spending.ts";
import { copyOutputs, sayLine } from "./streams.ts";
import { after } from "./supervision/lifecycle.ts";
import { operate, type Operated } from "./supervision/operate.ts";
import { recordProcesses } from "./supervision/processes.ts";
import type { Supervision } from "./supervision/supervision.ts";
import { type TerminalSession, terminalSize } from "./terminal.ts";

const SIGPIPE = 13;
const KILLED: SandboxEnd = { kind: "exited", code: 137, signal: 9 };
/** A credential that was lent lapses by the clock on the wall. */
const UNPAUSED = { pause() {}, resume() {} };

/** Hashes of a run's tree: before the worker's first turn, and now; null where it is too large. */
export type WatchedTree = { before: string | null; now(): string | null };

/** Talks with a client by its streams, in place of whoever started the run; resolves when its outputs are over. Closes none of them but the input. */
export type Talk = (streams: {
  stdin: number;
  stdout: number;
  stderr: number;
  /** To be told of what came, for the record. */
  onOutput(bytes: Uint8Array): void;
  /** Asks the client to end, and ends it when it does not. */
  end(): void;
  /** The run it is the client of, and its ledger. */
  run: string;
  record(event: string, data: Record<string, Json>): void;
  tree: WatchedTree;
  /** By which somebody outside is asked for files of its workspace. */
  outside: Outside;
}) => Promise<void>;

export type ClientRun = {
  session: TerminalSession | undefined;
  asker: Asker | undefined;
  governor: Governor | undefined;
  group: LimitGroup | undefined;
  growth: Growth;
  commands: Budget;
  ends: Budget;
  transcript: Transcript;
  spending: Spending;
  activity: Activity;
  recorder: Recorder;
  /** The client is there. */
  onStarted(): void;
  supervision: Supervision;
  tree: WatchedTree;
  /** Whether it gets our standard input. */
  listens: boolean;
  /** Aborted once the run was told to end. */
  over: AbortSignal;
  /** Told of every signal that was passed on: whoever sent it wants the run to end. */
  onSignal(): void;
};

/** The ended client; `watch` has its last readings to give, and is the caller's to dispose of. */
export type Supervised = { end: SandboxEnd; run: RunningSandbox; watch: Watch };

/** Runs the client to its end. Throws what could not be recorded; then nothing of it runs any more. */
export async function superviseClient(
  { runs, home, talk }: { runs: RunStore; home: Home; talk?: Talk | undefined },
  contract: RunContract,
  plan: SandboxPlan,
  prepared: Prepared,
  {
    session,
    asker,
    governor,
    group,
    growth,
    commands,
    ends,
    transcript,
    spending,
    activity,
    recorder,
    supervision,
    tree,
    onStarted,
    listens,
    onSignal,
    over,
  }: ClientRun,
  ledger: Ledger,
): Promise<Supervised> {
  const told = () => supervision.killed() || over.aborted;
  if (told()) {
    const message = "the run was told to end before its client was launched";
    const signal: unknown = over.reason;
    throw typeof signal === "number" ? new EndedBySignal(signal, message) : new BrokeError("denied", message);
  }
  // A terminal without one for the output, or /dev/null: there is nothing to wait for.
  const ours = !listens || fstatSync(0).isCharacterDevice() ? "empty" : "pipe";
  const stdin = talk === undefined ? ours : "held";
  let watch: Watch | undefined;
  let operator: Operated | undefined;
  let started = false;
  const seen = (bytes: Uint8Array) => {
    watch?.countOutput(bytes.length);
    activity.stir();
    transcript.output(bytes);
    supervision.output.feed(bytes);
  };
  const onOutput = (bytes: Uint8Array) => {
    seen(bytes);
    session?.write(bytes);
  };
  const ending = recordEnds(ends.record);
  const lookups = foldLookups((exec) => {
    const { event, data } = commandEvent(exec);
    commands.record(event, data);
  });
  const run: RunningSandbox = await launchSandbox(
    plan,
    prepared.input.host.arch,
    session === undefined ? { kind: "pipes", stdin } : { kind: "terminal", ...terminalSize(), onOutput },
    {
      onStarted() {
        started = true;
        spareInit(run, group);
        onStarted();
        ledger.append("agent.launched", { client: contract.client, ...boundArgs(plan.order.argv) });
      },
      onProbed: (passed, ms) => ledger.append("sandbox.probed", { passed, ms }),
      onStopped: () => void (operator?.frozen() || session?.suspend()),
      onExec(exec) {
        activity.stir();
        lookups.take(exec);
        ending.started(exec);
      },
      onEnded(ends) {
        ending.ended(ends);
        for (const { pid, code, signal } of ends) governor?.ended({ pid, code: signal === null ? code : 128 + signal });
      },
      async onHeld(held) {
        const judged = await governor?.judge(held);
        if (typeof judged === "object") return judged;
        if (held.files.length === 0) return judged === true;
        const answered = activity.begin();
        try {
          return (await asker?.ask(runQuestion(held))) ?? false;
        } finally {
          answered();
        }
      },
    },
    group?.prefix,
  );
  try {
    recorder.onFailure(run.kill);
    let tooMuch = false;
    using _memory = watchMemory(() => {
      tooMuch = true;
      run.kill();
    });
    const quietMs = () => {
      // Who is held still cannot show any.
      if (operator?.frozen()) activity.stir();
      return activity.quietMs();
    };
    watch = watchRun(run, prepared, { limits: contract.limits, group, growth, quietMs }, recorder.append);
    spending.onSpent((reached) => {
      recorder.append("limit.reached", { ...reached });
      endSoon(run);
    });
    const said = runs.get(ledger.run)?.status ?? "registered";
    runs.setStatus(ledger.run, after(said, "launch") ?? said, null);
    recordProcesses(runPaths(home, ledger.run).processes, run.process.pid);
    // No further turn follows what its operator ends.
    const end = (act: () => void) => () => {
      onSignal();
      act();
    };
    const operated = operate({
      ...{
        runId: ledger.run,
        run: { ...run, kill: end(run.kill) },
        runs,
        clock: contract.lease === null ? watch : UNPAUSED,
      },
      ...{ record: recorder.append, terminal: session !== undefined },
      governor: governor?.operator,
      tell: (text) => (session === undefined ? sayLine(text) : session.status(text)),
      endSoon: end(() => endSoon(run)),
    });
    operator = operated;
    // Said while it was being launched.
    const early = told();
    using _operated = supervision.during(operated);
    if (early) void operated.act("kill");
    const passed = (signal: string) => {
      // What is frozen could not obey.
      if (operator?.frozen()) void run.thaw();
      onSignal();
      ledger.append("session.interrupted", { signal });
    };
    using _signals = forwardSignals(run, passed, () => void operated.act("kill"));
    session?.connect(run, (to) => ledger.append("session.resized", { columns: to.columns, rows: to.rows }));
    if (run.streams !== undefined && talk !== undefined) {
      const talked = talk({
        ...{ ...run.streams, stdin: run.streams.stdin!, onOutput: seen, end: () => endSoon(run) },
        ...{ run: ledger.run, record: recorder.append },
        tree,
        outside: outsideOf(prepared.input, operated.still, recorder.append),
      });
      await run.ended;
      await talked;
    } else if (run.streams !== undefined) {
      const copied = copyOutputs(run.streams.stdout, run.streams.stderr, () => run.signal(SIGPIPE), seen);
      await run.ended;
      await copied;
    }
    const reason = "the client made its supervisor hold too much memory";
    const ended = await run.ended;
    // Everything was seen up to its end, which the operator chose; before its client was there, nothing had to be.
    const killed = operated.killed() && (ended.kind === "gone" || !started) ? KILLED : ended;
    return { end: tooMuch ? { kind: "unobserved", reason } : killed, run, watch };
  } catch (error) {
    watch?.[Symbol.dispose]();
    throw error;
  } finally {
    // Only what failed here leaves it running: nobody would observe it any more.
    run.kill();
    await run.ended;
    await asker?.stop();
    await governor?.stop();
    lookups.flush();
    ending.flush();
  }
}
