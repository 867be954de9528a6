// The runtime speaks to providers in a thread of its own. Woken by every call, it interrupts the thread that makes the calls each time; as a batch thread
// (sched(7)) it goes on when a core is free or the other one waits, and takes all calls of a turn at once. With 16 to 64 requests at a time on one core
// that saves a quarter of the processor time. Under few it stays as it was: on a machine that others keep busy it would wait for its turn (3 ms).
// Does not stop: anything. Where it cannot be done, all is as it was.

import { readdirSync, readFileSync } from "node:fs";
import * as libc from "#sandbox/libc.ts";
import { syscallNumber } from "#sandbox/syscalls.ts";

const policies = { normal: 0, batch: 3 } as const;
/** Requests in flight from which on it is a batch thread, and down to which it stays one. */
const MANY = 8;
const FEW = 2;
/** As the runtime calls it. */
const NAME = "HTTP Client";
const LOOKS = 100;
const LOOK_MS = 10;

function findThread(): number | undefined {
  const found = readdirSync("/proc/self/task").find((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim() === NAME;
    } catch {
      return false; // ended meanwhile
    }
  });
  return found === undefined ? undefined : Number(found);
}

function setPolicy(thread: number, policy: keyof typeof policies): void {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  // struct sched_param: a priority, which must be 0.
  const parameters = new Uint8Array(4);
  try {
    libc.systemCall(syscallNumber(arch, "sched_setscheduler"), thread, policies[policy], libc.addressOf(parameters));
  } catch (error) {
    if (!(error instanceof libc.LibcError)) throw error;
  }
}

/** To be told of every request, when it begins and when it has ended. */
export type Load = {
  begin(): void;
  end(): void;
  /** From now on the thread follows. False where it cannot be found. */
  follow(): Promise<boolean>;
};

/** For one process. */
export function watchLoad(): Load {
  let thread: number | undefined;
  let inFlight = 0;
  let batch = false;
  const turn = (to: boolean) => {
    if (thread === undefined) return;
    batch = to;
    setPolicy(thread, to ? "batch" : "normal");
  };
  return {
    begin() {
      inFlight += 1;
      if (inFlight >= MANY && !batch) turn(true);
    },
    end() {
      inFlight -= 1;
      if (inFlight <= FEW && batch) turn(false);
    },
    async follow() {
      // It is there from the first call on. Whom it calls is gone afterwards: a connection to our own gateway would be one that its end waits for.
      const nobody = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: { open: (socket) => void socket.end(), data() {} },
      });
      try {
        fetch.preconnect(`http://127.0.0.1:${nobody.port}`);
        for (let look = 0; (thread = findThread()) === undefined && look < LOOKS; look++) await Bun.sleep(LOOK_MS);
      } finally {
        nobody.stop(true);
      }
      return thread !== undefined;
    },
  };
}
