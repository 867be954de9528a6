// One client in its sandbox, from launch to end: its streams or its terminal, the signals meant for it, every program it starts, what it uses.
// Does not stop: what the plan allows.

import { fstatSync } from "node:fs";
import { launchSandbox, type RunningSandbox, type SandboxEnd } from "#sandbox/launch.ts";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import type { Growth } from "#sandbox/growth.ts";
import { foldLookups } from "#sandbox/lookups.ts";
import type { SandboxPlan } from "#sandbox/plan.ts";
import type { Watch } from "#sandbox/watch.ts";
import type { RunStore } from "#src/state/runs.ts";
import type { Asker } from "./asking.ts";
import { boundArgs } from "./bounded.ts";
import { commandEvent, recordEnds, runQuestion } from "./command.ts";
import type { Budget } from "./budget.ts";
import type { RunContract } from "./contract/contract.ts";
import type { Governor } from "./governor/governor.ts";
import type { Ledger } from "./ledger.ts";
import { endSoon, spareInit, watchRun } from "./limits.ts";
import { watchMemory } from "./memory.ts";
import type { Prepared } from "./prepare.ts";
import type { Recorder } from "./recorder.ts";
import { forwardSignals } from "./signals.ts";
import type { Spending } from "./spending.ts";
import { copyOutputs } from "./streams.ts";
import { type TerminalSession, terminalSize } from "./terminal.ts";

const SIGPIPE = 13;

export type ClientRun = {
  session: TerminalSession | undefined;
  asker: Asker | undefined;
  governor: Governor | undefined;
  group: LimitGroup | undefined;
  growth: Growth;
  commands: Budget;
  ends: Budget;
  spending: Spending;
  recorder: Recorder;
  /** Whether it gets our standard input. */
  listens: boolean;
  /** Told of every signal that was passed on: whoever sent it wants the run to end. */
  onSignal(): void;
};

/** The ended client; `watch` has its last readings to give, and is the caller's to dispose of. */
export type Supervised = { end: SandboxEnd; run: RunningSandbox; watch: Watch };

/** Runs the client to its end. Throws what could not be recorded; then nothing of it runs any more. */
export async function superviseClient(
  deps: { runs: RunStore },
  contract: RunContract,
  plan: SandboxPlan,
  prepared: Prepared,
  { session, asker, governor, group, growth, commands, ends, spending, recorder, listens, onSignal }: ClientRun,
  ledger: Ledger,
): Promise<Supervised> {
  // A terminal without one for the output, or /dev/null: there is nothing to wait for.
  const stdin = !listens || fstatSync(0).isCharacterDevice() ? "empty" : "pipe";
  let watch: Watch | undefined;
  const onOutput = (bytes: Uint8Array) => {
    watch?.countOutput(bytes.length);
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
        spareInit(run, group);
        ledger.append("agent.launched", { client: contract.client, ...boundArgs(plan.order.argv) });
      },
      onProbed: (passed, ms) => ledger.append("sandbox.probed", { passed, ms }),
      onStopped: () => session?.suspend(),
      onExec(exec) {
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
        return (await asker?.ask(runQuestion(held))) ?? false;
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
    watch = watchRun(run, prepared, { limits: contract.limits, group, growth }, recorder.append);
    const { countOutput } = watch;
    spending.onSpent((reached) => {
      recorder.append("limit.reached", { ...reached });
      endSoon(run);
    });
    deps.runs.setStatus(ledger.run, "running", null);
    using _signals = forwardSignals(run, (signal) => {
      onSignal();
      ledger.append("session.interrupted", { signal });
    });
    session?.connect(run, (to) => ledger.append("session.resized", { columns: to.columns, rows: to.rows }));
    if (run.streams !== undefined) {
      const copied = copyOutputs(run.streams.stdout, run.streams.stderr, () => run.signal(SIGPIPE), countOutput);
      await run.ended;
      await copied;
    }
    const reason = "the client made its supervisor hold too much memory";
    return { end: tooMuch ? { kind: "unobserved", reason } : await run.ended, run, watch };
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
