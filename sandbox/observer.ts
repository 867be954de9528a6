// The supervisor's side of the exec observer: starts the thread, turns its messages into callbacks, and says when it is over.
// The caller must end the run as unobserved when `onLost` fires: a filter without a reader holds every exec for ever.
// Does not stop: see observer-worker.ts on what a racing target can show it.

import { writeSync } from "node:fs";
import type { ExecEnd } from "./exec-ends.ts";
import { ANSWERS, type Told } from "./exec-told.ts";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import type { ObserverStart } from "./observer-worker.ts";
import type { AskedFile, RunRules } from "./run-rules.ts";

/**
 * One execve or execveat as it was asked for. `path` is absolute; null: the memory could not be read. `exe` is the caller's own binary,
 * `lineage` its parents' pids up to the sandbox's init, `files` the program and its interpreters as they were found.
 */
export type ObservedExec = {
  pid: number;
  /** When it was asked for, since the epoch. */
  atMs: number;
  lineage: number[];
  path: string | null;
  argv: string[];
  cut: boolean;
  cwd: string | null;
  exe: string | null;
  files: string[];
  /** `unrunnable`: a folder, a device, a file without the right to be run. `unknown`: it went on, and could not be told. */
  outcome: "started" | "not_found" | "unrunnable" | "unknown" | "denied";
  /** Why it was denied. */
  reason: string | null;
};

/** A question that holds a call: `files` are what a person is to be asked about, none where only the supervisor is; `programs` all that would run; `loaders` as in exec-memory.ts. */
export type HeldExec = { exec: ObservedExec; files: AskedFile[]; programs: AskedFile[]; loaders: string[] | null };
/**
 * `refused`: it is denied, and what is said of it, in one line, on the caller's own standard error and in the record. `end`: its caller is killed before
 * it runs another instruction: whoever started it is told of no failed start then, which often hides what was said, but of a program that ended.
 */
export type HeldAnswer = boolean | { refused: string; end?: boolean };

/** What comes from the thread; execs and ends come as text (`exec-told.ts`). */
export type ObserverMessage =
  | { kind: "loaded" }
  | { kind: "attached" }
  | { kind: "held"; id: bigint; held: HeldExec }
  | { kind: "closed"; attached: boolean }
  | { kind: "died"; reason: string };

export type Observer = {
  /** The end that goes to init; close ours after the spawn. */
  childFd: number;
  /** Resolves when the last filtered process is gone or the observer was stopped; `attached` says whether it ever watched. */
  done: Promise<{ attached: boolean; lost: string | undefined }>;
  stop(): void;
};

export type ObserverEvents = {
  onExec(exec: ObservedExec): void;
  /** The end of processes that `onExec` told of, before any other gets their numbers. */
  onEnded(ends: ExecEnd[]): void;
  /** A call waits until this resolves; others go on meanwhile. False: it is denied. Either way `onExec` hears of it then. */
  onHeld(held: HeldExec): Promise<HeldAnswer>;
};

const MAX_TEXT_BYTES = 1024;

function spell(id: bigint, answer: HeldAnswer): Uint8Array {
  const text = typeof answer === "object" ? Buffer.from(answer.refused).subarray(0, MAX_TEXT_BYTES) : Buffer.alloc(0);
  const word = answer === true ? "allow" : typeof answer === "object" && answer.end === true ? "end" : "deny";
  const head = new BigUint64Array([id, ANSWERS[word], BigInt(text.length)]);
  return Buffer.concat([Buffer.from(head.buffer), text]);
}

/** Starts the observer thread from its code. What is observed waits for it, so nothing need wait until it is there. */
export function startObserver(
  arch: Arch,
  rules: RunRules,
  code: Uint8Array,
  { onExec, onEnded, onHeld }: ObserverEvents,
): Observer {
  const [mine, theirs] = libc.socketPair();
  const [stopRead, stopWrite] = libc.socketPair();
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url);
  const loaded = Promise.withResolvers<void>();
  const over = Promise.withResolvers<{ attached: boolean; lost: string | undefined }>();
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  const take = (text: string) => {
    const all = JSON.parse(text) as Told[];
    Atomics.sub(waiting, 0, all.filter(({ exec }) => exec !== null).length);
    Atomics.notify(waiting, 0);
    for (const { exec, ends } of all) {
      if (ends.length > 0) onEnded(ends);
      if (exec !== null) onExec(exec);
    }
  };
  let attached = false;
  let stopped = false;
  const answer = async (id: bigint, held: HeldExec) => {
    Atomics.sub(waiting, 0, 1);
    Atomics.notify(waiting, 0);
    const allowed: HeldAnswer = await onHeld(held).catch(() => false);
    if (stopped) return;
    try {
      writeSync(stopWrite, spell(id, allowed));
    } catch {
      // EPIPE: the thread is over, and with it every call it held.
    }
  };
  worker.onmessage = ({ data }: MessageEvent<ObserverMessage | string>) => {
    if (typeof data === "string") take(data);
    else if (data.kind === "loaded") loaded.resolve();
    else if (data.kind === "attached") attached = true;
    else if (data.kind === "held") void answer(data.id, data.held);
    else if (data.kind === "closed") over.resolve({ attached: data.attached, lost: undefined });
    else over.resolve({ attached, lost: data.reason });
  };
  worker.onerror = () => {
    loaded.resolve();
    over.resolve({ attached, lost: "the observer's thread failed" });
  };
  const start: ObserverStart = { socket: mine, control: stopRead, arch, waiting, rules };
  void loaded.promise.then(() => worker.postMessage(start));
  const done = over.promise.finally(() => {
    worker.terminate();
    URL.revokeObjectURL(url);
    libc.closeFd(stopRead);
    if (!stopped) libc.closeFd(stopWrite);
    stopped = true;
  });
  return {
    childFd: theirs,
    done,
    stop() {
      if (stopped) return;
      stopped = true;
      libc.closeFd(stopWrite);
    },
  };
}
