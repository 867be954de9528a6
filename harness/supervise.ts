// One client in its sandbox, from launch to end: its streams or its terminal, the signals meant for it, every program it starts.
// Does not stop: what the plan allows.

import { fstatSync } from "node:fs";
import { launchSandbox, type RunningSandbox } from "#sandbox/launch.ts";
import type { SandboxPlan } from "#sandbox/plan.ts";
import type { Arch } from "#sandbox/host.ts";
import type { ProcessGroup } from "#sandbox/cgroup.ts";
import type { RunStore } from "#src/state/runs.ts";
import { boundArgs } from "./bounded.ts";
import type { Budget } from "./budget.ts";
import type { RunContract } from "./contract.ts";
import type { Ledger } from "./ledger.ts";
import { watchMemory } from "./memory.ts";
import type { Recorder } from "./recorder.ts";
import { forwardSignals } from "./signals.ts";
import { copyOutputs } from "./streams.ts";
import { takeTerminal, terminalSize } from "./terminal.ts";
import type { Observed } from "./verdict.ts";

const SIGPIPE = 13;

export type ClientRun = {
  terminal: boolean;
  group: ProcessGroup | undefined;
  commands: Budget;
  recorder: Recorder;
};

/** Runs the client to its end. Throws what could not be recorded; then nothing of it runs any more. */
export async function superviseClient(
  deps: { runs: RunStore },
  contract: RunContract,
  plan: SandboxPlan,
  arch: Arch,
  { terminal, group, commands, recorder }: ClientRun,
  ledger: Ledger,
): Promise<Observed["end"]> {
  using session = terminal ? takeTerminal() : undefined;
  // A terminal without one for the output, or /dev/null: there is nothing to wait for.
  const stdin = fstatSync(0).isCharacterDevice() ? "empty" : "pipe";
  const run: RunningSandbox = await launchSandbox(
    plan,
    arch,
    session === undefined ? { kind: "pipes", stdin } : { kind: "terminal", ...terminalSize(), onOutput: session.write },
    {
      onStarted: () => ledger.append("agent.launched", { client: contract.client, ...boundArgs(plan.order.argv) }),
      onStopped: () => session?.suspend(),
      onExec(exec) {
        const { argv, cut } = boundArgs(exec.argv);
        const { pid, path, cwd, exe: by } = exec;
        commands.record("command.observed", { pid, path, argv, cwd, by, cut: exec.cut || cut });
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
    deps.runs.setStatus(ledger.run, "running", null);
    using _signals = forwardSignals(run, (signal) => ledger.append("session.interrupted", { signal }));
    session?.connect(run, (to) => ledger.append("session.resized", { columns: to.columns, rows: to.rows }));
    if (run.streams !== undefined) {
      const copied = copyOutputs(run.streams.stdout, run.streams.stderr, () => run.signal(SIGPIPE));
      await run.ended;
      await copied;
    }
    const end = await run.ended;
    return tooMuch ? { kind: "unobserved", reason: "the client made its supervisor hold too much memory" } : end;
  } finally {
    // Only what failed here leaves it running: nobody would observe it any more.
    run.kill();
    await run.ended;
  }
}
