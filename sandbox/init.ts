// Pid 1 of the sandbox: takes its order from the supervisor, bridges loopback to the run's sockets, starts stage two, reaps
// orphans, passes signals on, and reports the client's own status. Holds no secret the client does not get; must never be readable
// by the client (non-dumpable, descriptors close-on-exec) and must never outlive its supervisor.
// Does not stop: the client from exhausting what its limits leave it.

import { startBridge } from "./bridge.ts";
import { CONTROL_FD, makeLineSplitter, OBSERVER_FD } from "./chain-wire.ts";
import type { Order, Report, StageTwoOrder, StageTwoReport, StartOrder } from "./chain.ts";
import { makeFreezer } from "./freeze.ts";
import * as libc from "./libc.ts";
import { writeText } from "./libc-files.ts";

const PR_SET_DUMPABLE = 4;
const SIGCONT = 18;
/** SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS. */
const CRASH_SIGNALS = [4, 5, 6, 7, 8, 11, 31];
const MAX_ORDER_BYTES = 64 * 1024 * 1024;
const STAGE_TWO = new URL("./stage-two.ts", import.meta.url).pathname;
// A parent that was SIGKILLed cannot tell us: the control socket's end does, and bwrap's --die-with-parent before it.
const REAP_FALLBACK_MS = 1000;

libc.prctl(PR_SET_DUMPABLE, 0);
libc.closeOnExecFrom(3);
// Bun's crash handlers would make signals of the client fatal that pid 1 otherwise never receives (kill(2)).
for (const signal of CRASH_SIGNALS) libc.setSignal(signal, libc.SIG_DFL);

const MAX_STAGE_TWO_BYTES = 64 * 1024;

const freezer = makeFreezer(process.arch === "arm64" ? "aarch64" : "x86_64");
let client = 0;
/** Resolves when stage two has become the client, or is gone: whether it failed, which then is told already. */
let becoming: Promise<boolean> = Promise.resolve(true);

function report(line: Report): void {
  writeText(CONTROL_FD, `${JSON.stringify(line)}\n`);
}

function fail(stage: string, error: unknown): never {
  report({ kind: "failed", stage, errno: error instanceof libc.LibcError ? error.errno : null });
  process.exit(125);
}

function start(order: StartOrder): void {
  const { bridges, kind: _, ...rest } = order;
  const ports: number[] = [];
  try {
    for (const { port, socketPath } of bridges) ports.push(startBridge(port, socketPath).port);
  } catch (error) {
    fail("bridge", error);
  }
  report({ kind: "ready", ports });
  try {
    const settle = (text: string) =>
      bridges.reduce((settled, { mark }, at) => settled.replaceAll(mark, String(ports[at])), text);
    const env = Object.fromEntries(Object.entries(rest.env).map(([name, value]) => [name, settle(value)]));
    const argv = rest.argv.map(settle);
    const memory = libc.memoryFile("order");
    const probes = { ...rest.probes, gatewayPort: ports[0] ?? null };
    libc.writeAll(memory, Buffer.from(JSON.stringify({ ...rest, argv, env, probes } satisfies StageTwoOrder)));
    const [readEnd, writeEnd] = libc.socketPair();
    client = libc.spawnProcess(
      process.execPath,
      [process.execPath, "--config=/dev/null", "--no-env-file", STAGE_TWO],
      ["BUN_RUNTIME_TRANSPILER_CACHE_PATH=0"],
      // Moved out of the way first: a target number may be another one's source.
      [
        [OBSERVER_FD, 100],
        [memory, 101],
        [writeEnd, 102],
        [100, 3],
        [101, 4],
        [102, 5],
      ],
    );
    libc.closeFd(memory);
    libc.closeFd(writeEnd);
    // Ours would keep the observer waiting after the client's end.
    libc.closeFd(OBSERVER_FD);
    becoming = passOn(readEnd);
  } catch (error) {
    fail("spawn", error);
  }
  report({ kind: "started", pid: client });
}

/** Passes on what stage two says until its descriptor closes, with the exec or with its end. */
async function passOn(stageTwo: number): Promise<boolean> {
  const split = makeLineSplitter(MAX_STAGE_TWO_BYTES);
  let failed = false;
  for await (const piece of Bun.file(stageTwo).stream()) {
    for (const line of split(piece)) {
      const said = JSON.parse(line) as StageTwoReport;
      failed ||= said.kind !== "probed";
      report(said);
    }
  }
  return failed;
}

function reap(): void {
  for (let event = libc.reapOne(libc.WUNTRACED); event; event = libc.reapOne(libc.WUNTRACED)) {
    if (event.pid === client) clientChanged(event.status);
  }
}

// wait(2): low 7 bits are the terminating signal, 0x7f means stopped, else the exit code is the second byte.
function clientChanged(status: number): void {
  const low = status & 0x7f;
  if ((status & 0xff) === 0x7f) {
    // Ours, not the client's own.
    if (!freezer.frozen()) report({ kind: "stopped" });
    return;
  }
  void becoming.then((failed) => {
    if (!failed) {
      const code = low === 0 ? (status >> 8) & 0xff : 128 + low;
      report({ kind: "exited", code, signal: low === 0 ? null : low });
    }
    process.exit(0);
  });
}

process.on("SIGCHLD", reap);
setInterval(reap, REAP_FALLBACK_MS);

const split = makeLineSplitter(MAX_ORDER_BYTES);
for await (const piece of Bun.file(CONTROL_FD).stream()) {
  for (const line of split(piece)) {
    const order = JSON.parse(line) as Order;
    if (order.kind === "start") start(order);
    else if (order.kind === "freeze") {
      freezer.freeze();
      report({ kind: "frozen" });
    } else if (order.kind === "thaw") {
      freezer.thaw();
      report({ kind: "thawed" });
    } else if (client > 1 && !(freezer.frozen() && order.signal === SIGCONT)) libc.sendSignal(-client, order.signal);
  }
}
process.exit(125);
