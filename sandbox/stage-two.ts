// The second stage: becomes the client. Leads its own process group, takes the limits, installs the exec listener and hands it to the
// supervisor, closes AF_UNIX, tries whether the walls stand, drops every descriptor, execs. Everything happens on the main thread, because filters are per thread.
// Any step that fails ends the run before the client has run one instruction.
// Does not stop: anything after the exec; that is the filters' and the mounts' work.

import type { StageTwoOrder, StageTwoReport } from "./chain.ts";
import * as libc from "./libc.ts";
import { fileKind, readKernelFile, readSome, readText, S_IFREG, writeText } from "./libc-files.ts";
import { probeSandbox } from "./self-probes.ts";

const OBSERVER_FD = 3;
const ORDER_FD = 4;
const REPORT_FD = 5;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGTTOU = 22;
const SECCOMP_SET_MODE_FILTER = 1;
const FILTER_FLAG_NEW_LISTENER = 8;
const FILTER_FLAG_WAIT_KILLABLE_RECV = 32; // held execs stay interruptible once the observer has read them
const RLIMIT = { fileBytes: 1, dataBytes: 2, core: 4, processes: 6, openFiles: 7, nice: 13, rtprio: 14 } as const;
const ENOENT = 2;
const O_WRONLY = 1;
const OOM_SCORE = "500"; // the sandbox is the preferred victim

let stage = "group";

function applyLimits(order: StageTwoOrder): void {
  const set = (name: keyof typeof RLIMIT, value: number | undefined) => {
    if (value !== undefined) libc.setLimit(RLIMIT[name], BigInt(value), BigInt(value));
  };
  set("core", 0);
  set("rtprio", 0);
  set("nice", 0);
  set("processes", order.limits.processes);
  set("openFiles", order.limits.openFiles);
  set("fileBytes", order.limits.fileBytes);
  set("dataBytes", order.limits.dataBytes);
}

// Handlers are reset by exec, ignored signals are not; Bun ignores SIGPIPE, which would change what `yes | head` does in the client.
function resetIgnoredSignals(): void {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readKernelFile("/proc/self/status"))?.[1] ?? "0";
  const ignored = BigInt(`0x${mask}`);
  for (let signal = 1; signal <= 64; signal++) {
    if ((ignored >> BigInt(signal - 1)) & 1n) libc.setSignal(signal, libc.SIG_DFL);
  }
}

function isFile(path: string): boolean {
  try {
    return fileKind(path) === S_IFREG;
  } catch {
    return false;
  }
}

// As execvp(3) looks a name up, but before the filters are in place, so that no failed attempt is ever observed as one.
function resolveCommand(order: StageTwoOrder): string | undefined {
  const name = order.argv[0]!;
  if (name.includes("/")) return name;
  const folders = (order.env.PATH ?? "").split(":").filter((folder) => folder !== "");
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

/** As a shell ends when the command is not there (127) or cannot be run (126): the client's own end, in a sandbox that holds. */
function endLikeShell(name: string, errno: number): never {
  const hint =
    "outside /usr a program is there by --allow-read=FOLDER, and found by name when your PATH has the folder";
  const why = errno === ENOENT ? `not found in the sandbox; ${hint}` : `cannot be run (errno ${errno})`;
  writeText(2, `broke: ${JSON.stringify(name)}: ${why}\n`);
  process.exit(errno === ENOENT ? 127 : 126);
}

// struct sock_fprog: length in instructions at 0, pointer at 8.
function installFilter(order: StageTwoOrder, program: string, flags: number): number {
  const code = Buffer.from(program, "base64");
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, code.length / 8, true);
  fprog.setBigUint64(8, BigInt(libc.addressOf(code)), true);
  const bytes = new Uint8Array(fprog.buffer);
  return libc.systemCall(order.seccompCall, SECCOMP_SET_MODE_FILTER, flags, libc.addressOf(bytes));
}

function report(line: StageTwoReport): void {
  writeText(REPORT_FD, `${JSON.stringify(line)}\n`);
}

/** Ends this process when the sandbox lets something through that it must not. */
function proveWalls({ probes }: StageTwoOrder): void {
  const started = performance.now();
  const { passed, breached } = probeSandbox(probes);
  if (breached.length === 0) {
    report({ kind: "probed", passed, ms: Math.round((performance.now() - started) * 10) / 10 });
    return;
  }
  report({ kind: "breached", breached });
  process.exit(125);
}

try {
  libc.leadOwnGroup();
  stage = "order";
  // Started before there is one.
  if (readSome(REPORT_FD, new Uint8Array(1)) === 0) process.exit(125);
  const order = JSON.parse(readText(ORDER_FD)) as StageTwoOrder;
  if (order.terminal) {
    stage = "terminal";
    libc.setSignal(SIGTTOU, libc.SIG_IGN);
    libc.setForeground(0, process.pid);
  }
  stage = "oom";
  const score = libc.openFd("/proc/self/oom_score_adj", O_WRONLY);
  writeText(score, OOM_SCORE);
  libc.closeFd(score);
  process.umask(order.umask);
  stage = "chdir";
  process.chdir(order.cwd);
  stage = "lookup";
  const command = resolveCommand(order);
  stage = "signals";
  resetIgnoredSignals();
  libc.unblockSignals();
  stage = "filters";
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1);
  if (order.listenerFilter !== null) {
    const listener = installFilter(
      order,
      order.listenerFilter,
      FILTER_FLAG_NEW_LISTENER | FILTER_FLAG_WAIT_KILLABLE_RECV,
    );
    libc.sendFd(OBSERVER_FD, listener);
    libc.closeFd(listener);
  }
  if (order.clientFilter !== null) installFilter(order, order.clientFilter, 0);
  stage = "probes";
  proveWalls(order);
  const env = Object.entries(order.env).map(([name, value]) => `${name}=${value}`);
  if (command === undefined) endLikeShell(order.argv[0]!, ENOENT);
  // Last, because our own interpreter may need more than the client is to get.
  stage = "limits";
  applyLimits(order);
  stage = "exec";
  libc.closeOnExecFrom(3);
  try {
    libc.execve(command, order.argv, env);
  } catch (error) {
    if (error instanceof libc.LibcError) endLikeShell(command, error.errno);
    throw error;
  }
} catch (error) {
  report({ kind: "failed", stage, errno: error instanceof libc.LibcError ? error.errno : null });
  process.exit(125);
}
