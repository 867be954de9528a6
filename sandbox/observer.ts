// The supervisor's side of the exec observer: starts the thread, turns its messages into callbacks, and says when it is over.
// The caller must end the run as unobserved when `onLost` fires: a filter without a reader holds every exec for ever.
// Does not stop: see observer-worker.ts on what a racing target can show it.

import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import type { ObserverStart } from "./observer-worker.ts";

/** One execve or execveat as it was asked for. `path` null: the memory could not be read. `exe` is the caller's own binary. */
export type ObservedExec = {
  pid: number;
  path: string | null;
  argv: string[];
  cut: boolean;
  cwd: string | null;
  exe: string | null;
};

export type ObserverMessage =
  | { kind: "loaded" }
  | { kind: "attached" }
  | { kind: "exec"; exec: ObservedExec }
  | { kind: "closed"; attached: boolean }
  | { kind: "died"; reason: string };

export type Observer = {
  /** The end that goes to init; close ours after the spawn. */
  childFd: number;
  /** Resolves when the last filtered process is gone or the observer was stopped; `attached` says whether it ever watched. */
  done: Promise<{ attached: boolean; lost: string | undefined }>;
  stop(): void;
};

/** Starts the observer thread and waits until it is listening. */
export async function startObserver(arch: Arch, onExec: (exec: ObservedExec) => void): Promise<Observer> {
  const [mine, theirs] = libc.socketPair();
  const [stopRead, stopWrite] = libc.socketPair();
  const worker = new Worker(new URL("./observer-worker.ts", import.meta.url).href);
  const loaded = Promise.withResolvers<void>();
  const over = Promise.withResolvers<{ attached: boolean; lost: string | undefined }>();
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  const take = (exec: ObservedExec) => {
    Atomics.sub(waiting, 0, 1);
    Atomics.notify(waiting, 0);
    onExec(exec);
  };
  let attached = false;
  worker.onmessage = ({ data }: MessageEvent<ObserverMessage>) => {
    if (data.kind === "loaded") loaded.resolve();
    else if (data.kind === "attached") attached = true;
    else if (data.kind === "exec") take(data.exec);
    else if (data.kind === "closed") over.resolve({ attached: data.attached, lost: undefined });
    else over.resolve({ attached, lost: data.reason });
  };
  worker.onerror = () => {
    loaded.resolve();
    over.resolve({ attached, lost: "the observer's thread failed" });
  };
  await loaded.promise;
  worker.postMessage({ socket: mine, stop: stopRead, arch, waiting } satisfies ObserverStart);
  let stopped = false;
  const done = over.promise.finally(() => {
    worker.terminate();
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
