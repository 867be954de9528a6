// The seccomp lists as data, and the three programs made from them: what bwrap installs for everything in the sandbox, what stage two adds
// for the client, and the listener that reports every exec.
// Does not stop: what the allowed calls allow; a bug in a call that stays reachable; anything before the filters are installed.

import { assemble, type Condition, type Program, type Rule } from "./seccomp.ts";
import {
  type Arch,
  auditArch,
  CLONE_NAMESPACES,
  errnos,
  families,
  findSyscall,
  FIRST_UNREVIEWED,
  openFlags,
  SETID_BITS,
  socketTypes,
  type SyscallName,
  terminalIoctl,
  X32_BIT,
} from "./syscalls.ts";

/** Refused with EPERM in every profile: other processes' memory, keyrings, kernel surface, mounts, clocks, handles, NUMA. */
export const refusedCalls: SyscallName[] = [
  ...(["process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise", "process_mrelease"] as const),
  ...(["add_key", "request_key", "keyctl"] as const),
  ...(["bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"] as const),
  ...(["init_module", "finit_module", "delete_module", "create_module", "query_module", "get_kernel_syms"] as const),
  ...(["kexec_load", "kexec_file_load", "reboot"] as const),
  ...(["mount", "umount2", "pivot_root", "chroot", "swapon", "swapoff", "unshare", "setns"] as const),
  ...([
    "quotactl",
    "quotactl_fd",
    "acct",
    "syslog",
    "uselib",
    "nfsservctl",
    "lookup_dcookie",
    "ustat",
    "sysfs",
  ] as const),
  ...(["_sysctl", "vhangup", "iopl", "ioperm", "modify_ldt", "vserver"] as const),
  ...(["settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"] as const),
  ...(["open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark"] as const),
  ...(["move_pages", "mbind", "migrate_pages", "set_mempolicy", "get_mempolicy", "set_mempolicy_home_node"] as const),
  ...(["lsm_set_self_attr", "memfd_secret"] as const),
];

/** Answered with ENOSYS, so that callers fall back to the older call that a filter can look into. */
export const absentCalls: SyscallName[] = [
  ...(["clone3", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"] as const),
  ...(["mount_setattr", "open_tree_attr", "statmount", "listmount"] as const),
];

const EPERM = { kind: "errno", errno: errnos.EPERM } as const;
const ENOSYS = { kind: "errno", errno: errnos.ENOSYS } as const;
const EAFNOSUPPORT = { kind: "errno", errno: errnos.EAFNOSUPPORT } as const;

/** Where the mode of each call that can set a mode stands, and which open flags make it count. */
const modeArguments: { name: SyscallName; mode: number; flags?: number }[] = [
  { name: "chmod", mode: 1 },
  { name: "fchmod", mode: 1 },
  { name: "fchmodat", mode: 2 },
  { name: "fchmodat2", mode: 2 },
  { name: "creat", mode: 1 },
  { name: "mknod", mode: 1 },
  { name: "mknodat", mode: 2 },
  { name: "open", mode: 2, flags: 1 },
  { name: "openat", mode: 3, flags: 2 },
];

type Draft = { name: SyscallName; when: Condition[]; action: Rule["action"] };

function argumentRules(): Draft[] {
  const ioctls = Object.values(terminalIoctl).map((value): Draft => ({
    name: "ioctl",
    when: [{ argument: 1, kind: "equals", value }],
    action: EPERM,
  }));
  const modes = modeArguments.map(({ name, mode, flags }): Draft => ({
    name,
    when: [
      ...(flags === undefined
        ? []
        : [{ argument: flags, kind: "anyBit" as const, mask: openFlags.CREAT | openFlags.TMPFILE }]),
      { argument: mode, kind: "anyBit", mask: SETID_BITS },
    ],
    action: EPERM,
  }));
  const { UNIX, INET, INET6, NETLINK } = families;
  return [
    { name: "clone", when: [{ argument: 0, kind: "anyBit", mask: CLONE_NAMESPACES }], action: EPERM },
    ...ioctls,
    { name: "personality", when: [{ argument: 0, kind: "noneOf", values: [0, 0xffffffff] }], action: EPERM },
    // Netlink's routing protocol is what getifaddrs needs; the others are kernel surface.
    {
      name: "socket",
      when: [
        { argument: 0, kind: "equals", value: NETLINK },
        { argument: 2, kind: "differs", value: 0 },
      ],
      action: EPERM,
    },
    {
      name: "socket",
      when: [{ argument: 0, kind: "noneOf", values: [UNIX, INET, INET6, NETLINK] }],
      action: EAFNOSUPPORT,
    },
    { name: "socketpair", when: [{ argument: 0, kind: "differs", value: UNIX }], action: EAFNOSUPPORT },
    ...modes,
  ];
}

function toRules(arch: Arch, drafts: Draft[]): Rule[] {
  return drafts.flatMap(({ name, when, action }) => {
    const syscall = findSyscall(arch, name);
    return syscall === null ? [] : [{ syscall, when, action }];
  });
}

function program(arch: Arch, drafts: Draft[], unknown: boolean): Program {
  return assemble({
    arch: auditArch[arch],
    foreignBit: arch === "x86_64" ? X32_BIT : null,
    firstUnknown: unknown ? FIRST_UNREVIEWED : null,
    rules: toRules(arch, drafts),
  });
}

/** For everything in the sandbox, init included; AF_UNIX stays open, because init reaches the run's socket by it. */
export function baseFilter(arch: Arch, options: { profile: "strict" | "hardened" | "normal" }): Program {
  const always = (names: SyscallName[], action: Draft["action"]): Draft[] =>
    names.map((name) => ({ name, when: [], action }));
  const confined = options.profile !== "normal";
  return program(
    arch,
    [
      ...always(refusedCalls, EPERM),
      ...(confined ? always(["ptrace"], EPERM) : []),
      ...always(absentCalls, ENOSYS),
      // Its mode stands behind a pointer, out of a filter's sight: it could make what chmod may not, a setuid file in the workspace.
      ...(confined ? always(["openat2"], ENOSYS) : []),
      ...argumentRules(),
    ],
    true,
  );
}

/**
 * For the client and its tools: AF_UNIX closed, datagram pairs included (one end could be connected to a socket outside). Ends of stream and
 * packet pairs stay with one another (unix(7): a connected one is not connected again); Rust's library starts every process with such a pair.
 */
export function clientFilter(arch: Arch): Program {
  const { UNIX } = families;
  const pair = (type: number): Draft => ({
    name: "socketpair",
    when: [
      { argument: 0, kind: "equals", value: UNIX },
      { argument: 1, kind: "masked", mask: socketTypes.MASK, value: type },
    ],
    action: { kind: "allow" },
  });
  return program(
    arch,
    [
      { name: "socket", when: [{ argument: 0, kind: "equals", value: UNIX }], action: EPERM },
      pair(socketTypes.STREAM),
      pair(socketTypes.SEQPACKET),
      { name: "socketpair", when: [], action: EPERM },
    ],
    false,
  );
}

/** Hands every exec to the observer. */
export function listenerFilter(arch: Arch): Program {
  const notify = (name: SyscallName): Draft => ({ name, when: [], action: { kind: "notify" } });
  return program(arch, [notify("execve"), notify("execveat")], false);
}
