// Pid 1 of the sandbox: its first steps, before anything else of it is loaded. It makes itself unreadable and starts stage two, which loads while
// the rest of us does and waits for its order (`init-run.ts`).
// Does not stop: stage two from waiting; it ends when we do.

import { CONTROL_FD, OBSERVER_FD } from "./chain-wire.ts";
import * as libc from "./libc.ts";

const PR_SET_DUMPABLE = 4;
/** SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS. */
const CRASH_SIGNALS = [4, 5, 6, 7, 8, 11, 31];
const STAGE_TWO = new URL("./stage-two.ts", import.meta.url).pathname;

libc.prctl(PR_SET_DUMPABLE, 0);
libc.closeOnExecFrom(CONTROL_FD);
// Bun's crash handlers would make signals of the client fatal that pid 1 otherwise never receives (kill(2)).
for (const signal of CRASH_SIGNALS) libc.setSignal(signal, libc.SIG_DFL);

function startStageTwo(): { pid: number; order: number; socket: number } {
  const order = libc.memoryFile("order");
  const [socket, theirs] = libc.socketPair();
  const pid = libc.spawnProcess(
    process.execPath,
    [process.execPath, "--config=/dev/null", "--no-env-file", STAGE_TWO],
    ["BUN_RUNTIME_TRANSPILER_CACHE_PATH=0"],
    // Moved out of the way first: a target number may be another one's source.
    [
      [OBSERVER_FD, 100],
      [order, 101],
      [theirs, 102],
      [100, 3],
      [101, 4],
      [102, 5],
    ],
  );
  libc.closeFd(theirs);
  // Ours would keep the observer waiting after the client's end.
  libc.closeFd(OBSERVER_FD);
  return { pid, order, socket };
}

let started: ReturnType<typeof startStageTwo> | libc.LibcError;
try {
  started = startStageTwo();
} catch (error) {
  if (!(error instanceof libc.LibcError)) throw error;
  started = error;
}
const { runInit } = await import("./init-run.ts");
await runInit(started);
