// What a sandbox must hold, tried from within: by the very process that becomes the client, after its filters are in place and before it runs
// one instruction of the client's. Every probe wants one certain refusal; any other answer, a milder one too, is a breach.
// Loaded inside the sandbox, so it imports nothing but libc and tables.
// Does not stop: what none of the probes tries; they prove that the walls stand, not that there are enough of them.

import * as libc from "./libc.ts";
import { fileKind, readKernelFile, readSome, requireWritable, S_IFDIR, S_IFREG, writeText } from "./libc-files.ts";
import { type Arch, errnos, families, type SyscallName, syscallNumber, terminalIoctl } from "./syscalls.ts";

/** What is to be tried. Ports are on loopback inside; null where there is nothing to try. */
export type ProbeOrder = {
  arch: Arch;
  /** Files that are there outside and must not be inside. */
  hidden: string[];
  /** What must not be written to, absolute. */
  readOnly: string[];
  /** What must not be read although it is there, absolute. */
  unreadable: string[];
  /** The run has a network of its own: the host's, where `decoyPort` listens, must be out of reach. */
  decoyPort: number | null;
  /** Where the gateway answers, and must want a token. */
  gatewayPort: number | null;
  closedUnix: boolean;
  closedPtrace: boolean;
};

export type ProbeResult = { passed: string[]; breached: string[] };

const ENOENT = 2;
const EACCES = 13;
const EROFS = 30;
const ECONNREFUSED = 111;
const O_RDONLY = 0;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const CLONE_NEWUSER = 0x10000000;
const PTRACE_ATTACH = 16;
const SOCK_STREAM = 1;
const ANSWER_MS = 5_000;

/** The errno a system call fails with; 0 when it does not. */
function refusal(call: () => unknown): number {
  try {
    call();
    return 0;
  } catch (error) {
    if (error instanceof libc.LibcError) return error.errno;
    throw error;
  }
}

const isAnyOf = (errnos: readonly number[], call: () => unknown) => errnos.includes(refusal(call));

const isForbidden = ({ arch }: ProbeOrder, name: SyscallName, ...args: [number, number?, number?, number?, number?]) =>
  refusal(() => libc.systemCall(syscallNumber(arch, name), ...args)) === errnos.EPERM;

/** struct sockaddr_in for a port on 127.0.0.1. */
function loopback(port: number): Uint8Array {
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, families.INET, true);
  address.setUint16(2, port);
  address.setUint32(4, 0x7f000001);
  return new Uint8Array(address.buffer);
}

/** Connects, lets `use` have the socket, closes it. Throws what libc says. */
function connected<Result>(arch: Arch, port: number, use: (socket: number) => Result): Result {
  const socket = libc.systemCall(syscallNumber(arch, "socket"), families.INET, SOCK_STREAM);
  try {
    const address = loopback(port);
    libc.systemCall(syscallNumber(arch, "connect"), socket, libc.addressOf(address), address.length);
    return use(socket);
  } finally {
    libc.closeFd(socket);
  }
}

function wantsToken(arch: Arch, port: number): boolean {
  return connected(arch, port, (socket) => {
    writeText(socket, "GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    if ((libc.pollInput([socket], ANSWER_MS)[0]! & libc.POLLIN) === 0) return false;
    const start = Buffer.alloc(64);
    return start.toString("latin1", 0, readSome(socket, start)).startsWith("HTTP/1.1 401 ");
  });
}

/** Whether every set of capabilities is empty, nothing can add to them, and a filter stands (proc_pid_status(5)). */
function hasNoPrivilege(): boolean {
  const lines = readKernelFile("/proc/self/status").split("\n");
  const said = (field: string) => lines.find((line) => line.startsWith(`${field}:\t`))?.slice(field.length + 2);
  return (
    ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].every((set) => /^0+$/.test(said(set) ?? "")) &&
    said("NoNewPrivs") === "1" &&
    said("Seccomp") === "2"
  );
}

/** Also where what holds it is out of reach already. */
function isUnreadable(path: string): boolean {
  return isAnyOf([EACCES, ENOENT], () => libc.closeFd(libc.openFd(path, O_RDONLY | O_NONBLOCK)));
}

/** Of a pipe the mount guards the name alone: what flows through it is not the file system's. */
function isReadOnly(path: string): boolean {
  // In what is denied from being read it is out of reach altogether.
  if (isAnyOf([EACCES], () => fileKind(path))) return true;
  if (![S_IFREG, S_IFDIR].includes(fileKind(path))) return true;
  return isAnyOf([EROFS, EACCES], () => requireWritable(path));
}

type Probe = { id: string; holds(order: ProbeOrder): boolean | "not tried" };

const probes: Probe[] = [
  {
    id: "no privilege is kept and none can be gained",
    holds: hasNoPrivilege,
  },
  {
    id: "BROKE_HOME cannot be seen",
    holds: ({ hidden }) => hidden.every((path) => isAnyOf([ENOENT, EACCES], () => fileKind(path))),
  },
  {
    id: "protected names cannot be written to",
    holds: ({ readOnly }) => (readOnly.length === 0 ? "not tried" : readOnly.every(isReadOnly)),
  },
  {
    id: "what is denied cannot be read",
    holds: ({ unreadable }) => (unreadable.length === 0 ? "not tried" : unreadable.every(isUnreadable)),
  },
  {
    id: "the kernel's settings cannot be written to",
    holds: () => isAnyOf([EROFS, EACCES], () => libc.openFd("/proc/sys/kernel/core_pattern", O_RDWR)),
  },
  { id: "no user namespace can be made", holds: (order) => isForbidden(order, "unshare", CLONE_NEWUSER) },
  { id: "nothing can be mounted", holds: (order) => isForbidden(order, "mount", 0) },
  { id: "the kernel's keyrings are closed", holds: (order) => isForbidden(order, "keyctl", 0) },
  {
    id: "nothing can be typed into the terminal",
    holds: (order) => isForbidden(order, "ioctl", -1, terminalIoctl.TIOCSTI),
  },
  {
    id: "no process can be traced",
    holds: (order) => (order.closedPtrace ? isForbidden(order, "ptrace", PTRACE_ATTACH, 0) : "not tried"),
  },
  {
    id: "AF_UNIX is closed",
    holds: (order) => (order.closedUnix ? isForbidden(order, "socket", families.UNIX, SOCK_STREAM) : "not tried"),
  },
  {
    id: "the host's loopback is out of reach",
    holds: ({ arch, decoyPort }) =>
      decoyPort === null ? "not tried" : refusal(() => connected(arch, decoyPort, () => {})) === ECONNREFUSED,
  },
  {
    id: "the gateway wants the run's token",
    holds: ({ arch, gatewayPort }) => (gatewayPort === null ? "not tried" : wantsToken(arch, gatewayPort)),
  },
];

/** The names of all probes. */
export const probeIds: readonly string[] = probes.map(({ id }) => id);

/** Tries them all. A probe that cannot be tried, because it throws, is a breach. */
export function probeSandbox(order: ProbeOrder): ProbeResult {
  const result: ProbeResult = { passed: [], breached: [] };
  for (const { id, holds } of probes) {
    let held: boolean | "not tried";
    try {
      held = holds(order);
    } catch {
      held = false;
    }
    if (held !== "not tried") result[held ? "passed" : "breached"].push(id);
  }
  return result;
}
