// Pid 1 of the sandbox at work: takes its order from the supervisor, bridges loopback to the run's sockets, gives stage two its order, reaps
// orphans, passes signals on, and reports the client's own status. Holds no secret the client does not get; must never be readable
// by the client (non-dumpable, descriptors close-on-exec) and must never outlive its supervisor.
// Does not stop: the client from exhausting what its limits leave it.

import { startBridge } from "./bridge.ts";
import { CONTROL_FD, makeLineSplitter } from "./chain-wire.ts";
import type { Order, Report, StageTwoOrder, StageTwoReport, StartOrder } from "./chain.ts";
import { makeFreezer } from "./freeze.ts";
import * as libc from "./libc.ts";
import { writeText } from "./libc-files.ts";

const SIGCONT = 18;
const MAX_ORDER_BYTES = 64 * 1024 * 1024;
const MAX_STAGE_TWO_BYTES = 64 * 1024;
// A parent that was SIGKILLed cannot tell us: the control socket's end does, and bwrap's --die-with-parent before it.
const REAP_FALLBACK_MS = 1000;

/** Stage two as it waits: reads its order from the memory file behind `order` once a byte comes through `socket`, and reports there. */
export type StageTwo = { pid: number; order: number; socket: number };

function report(line: Report): void {
  writeText(CONTROL_FD, `${JSON.stringify(line)}\n`);
}

function fail(stage: string, error: unknown): never {
  report({ kind: "failed", stage, errno: error instanceof libc.LibcError ? error.errno : null });
  process.exit(125);
}

/** Opens the bridges and tells stage two what to become. */
function start({ bridges, kind: _, ...rest }: StartOrder, stageTwo: StageTwo): void {
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
    const probes = { ...rest.probes, gatewayPort: ports[0] ?? null };
    libc.writeAll(stageTwo.order, Buffer.from(JSON.stringify({ ...rest, argv, env, probes } satisfies StageTwoOrder)));
    libc.closeFd(stageTwo.order);
    writeText(stageTwo.socket, "\n");
  } catch (error) {
    fail("spawn", error);
  }
  report({ kind: "started", pid: stageTwo.pid });
}

/** Passes on what stage two says until its descriptor closes, with the exec or with its end: whether it failed. */
async function passOn(socket: number): Promise<boolean> {
  const split = makeLineSplitter(MAX_STAGE_TWO_BYTES);
  let failed = false;
  for await (const piece of Bun.file(socket).stream()) {
    for (const line of split(piece)) {
      const said = JSON.parse(line) as StageTwoReport;
      failed ||= said.kind !== "probed";
      report(said);
    }
  }
  return failed;
}

/** Serves the supervisor until the client's end. `stageTwo`: what was started, or why it was not. */
export async function runInit(stageTwo: StageTwo | libc.LibcError): Promise<never> {
  if (stageTwo instanceof libc.LibcError) fail("spawn", stageTwo);
  const client = stageTwo.pid;
  const freezer = makeFreezer(process.arch === "arm64" ? "aarch64" : "x86_64");
  /** Resolves when stage two has become the client, or is gone: whether it failed, which then is told already. */
  let becoming: Promise<boolean> | undefined;

  // wait(2): low 7 bits are the terminating signal, 0x7f means stopped, else the exit code is the second byte.
  const clientChanged = (status: number) => {
    const low = status & 0x7f;
    if ((status & 0xff) === 0x7f) {
      // Ours, not the client's own.
      if (!freezer.frozen()) report({ kind: "stopped" });
      return;
    }
    if (becoming === undefined) fail("stage two", undefined);
    void becoming.then((failed) => {
      if (!failed) {
        const code = low === 0 ? (status >> 8) & 0xff : 128 + low;
        report({ kind: "exited", code, signal: low === 0 ? null : low });
      }
      process.exit(0);
    });
  };
  const reap = () => {
    for (let event = libc.reapOne(libc.WUNTRACED); event; event = libc.reapOne(libc.WUNTRACED)) {
      if (event.pid === client) clientChanged(event.status);
    }
  };
  process.on("SIGCHLD", reap);
  setInterval(reap, REAP_FALLBACK_MS);
  reap();

  const split = makeLineSplitter(MAX_ORDER_BYTES);
  for await (const piece of Bun.file(CONTROL_FD).stream()) {
    for (const line of split(piece)) {
      const order = JSON.parse(line) as Order;
      if (order.kind === "start") {
        start(order, stageTwo);
        becoming = passOn(stageTwo.socket);
      } else if (order.kind === "freeze") {
        freezer.freeze();
        report({ kind: "frozen" });
      } else if (order.kind === "thaw") {
        freezer.thaw();
        report({ kind: "thawed" });
      } else if (!(freezer.frozen() && order.signal === SIGCONT)) libc.sendSignal(-client, order.signal);
    }
  }
  process.exit(125);
}
