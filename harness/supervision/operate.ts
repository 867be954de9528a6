// What an operator's word does to a run: to all processes of it, once, on record. One at a time, in the order they came.
// Does not stop: what a process wrote before it was frozen.

import type { RunningSandbox } from "#sandbox/launch.ts";
import type { Json } from "#src/core/json.ts";
import type { RunStatus, RunStore } from "#src/state/runs.ts";
import { after } from "./lifecycle.ts";
import type { OperatorAct } from "../governor/state.ts";
import type { Reply, Request } from "./wire.ts";

export type Operated = {
  act(request: Request): Promise<Reply>;
  killed(): boolean;
  frozen(): boolean;
  /** Does something while everything in the sandbox stands still; undefined: it does not. What the operator says meanwhile waits, but for a kill. */
  still<Value>(act: () => Promise<Value>): Promise<Value | undefined>;
};

export type OperateOptions = {
  runId: string;
  run: Pick<RunningSandbox, "freeze" | "thaw" | "kill">;
  /** Asks the client to end, and ends it when it does not. */
  endSoon(): void;
  runs: Pick<RunStore, "get" | "setStatus">;
  /** Time that is not the client's does not count. */
  clock: { pause(): void; resume(): void };
  record(event: string, data: Record<string, Json>): void;
  terminal: boolean;
  /** Does what the operator says of its commands, and says whether that changed anything; undefined: nobody governs them. */
  governor: ((act: OperatorAct) => boolean) | undefined;
  /** One line for whoever launched it. */
  tell(text: string): void;
};

/** The operator's hand on one launched client. */
export function operate({
  runId,
  run,
  endSoon,
  runs,
  clock,
  record,
  terminal,
  governor,
  tell,
}: OperateOptions): Operated {
  let killed = false;
  let frozen = false;
  let held = false;
  let seen = false;
  let turn: Promise<unknown> = Promise.resolve();
  const statusNow = (): RunStatus => runs.get(runId)?.status ?? "abandoned";

  const change = async (act: "interrupt" | "resume"): Promise<Reply> => {
    const status = statusNow();
    const to = killed ? undefined : after(status, act);
    if (to === undefined) return { ok: false, reason: killed ? "the run is being ended" : `the run is ${status}` };
    const changed = to !== status;
    if (changed) {
      // Time stops first and goes on last: none of it is counted twice.
      if (act === "interrupt") clock.pause();
      if (!(await (act === "interrupt" ? run.freeze() : run.thaw()))) {
        if (act === "interrupt") clock.resume();
        return { ok: false, reason: "the sandbox does not answer" };
      }
      if (act === "resume") clock.resume();
      frozen = act === "interrupt";
      runs.setStatus(runId, to, null);
      tell(frozen ? `interrupted; \`broke harness resume ${runId}\` lets it go on` : "resumed");
    }
    record(act === "interrupt" ? "operator.interrupted" : "operator.resumed", { changed, status: to });
    return { ok: true, status: to, changed, terminal };
  };
  const kill = (): Reply => {
    const changed = !killed;
    killed = true;
    record("operator.killed", { changed, frozen });
    // What is frozen cannot be asked.
    if (changed && (frozen || held)) run.kill();
    else if (changed) endSoon();
    return { ok: true, status: statusNow(), changed, terminal };
  };
  const look = (request: "attach" | "reattach"): Reply => {
    record(request === "attach" ? "operator.attached" : "operator.reattached", { first: !seen });
    const changed = !seen;
    seen = true;
    return { ok: true, status: statusNow(), changed, terminal };
  };
  const govern = (act: OperatorAct): Reply => {
    if (governor === undefined) return { ok: false, reason: "nobody governs this run: its policy is off" };
    const changed = governor(act);
    record(act === "clear" ? "operator.cleared" : "operator.forced_verification", { changed });
    return { ok: true, status: statusNow(), changed, terminal };
  };
  const obey = async (request: Request): Promise<Reply> => {
    if (request === "force-verify" || request === "clear") return govern(request);
    if (request === "interrupt" || request === "resume") return change(request);
    return request === "kill" ? kill() : look(request);
  };
  const hold = async <Value>(act: () => Promise<Value>): Promise<Value | undefined> => {
    if (killed) return undefined;
    if (frozen) return act();
    clock.pause();
    held = true;
    try {
      return (await run.freeze()) ? await act() : undefined;
    } finally {
      held = false;
      await run.thaw();
      clock.resume();
    }
  };
  const inTurn = <Value>(act: () => Promise<Value>): Promise<Value> => {
    const mine = turn.then(act);
    turn = mine.catch(() => {});
    return mine;
  };
  return {
    act(request) {
      // A kill waits for nobody.
      if (request === "kill") return Promise.resolve(kill());
      return inTurn(() => obey(request));
    },
    killed: () => killed,
    frozen: () => frozen,
    still: (act) => inTurn(() => hold(act)),
  };
}
