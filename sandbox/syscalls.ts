// Every system call number, ioctl number and kernel constant of the product, a column per architecture (x86_64, aarch64; null: the
// architecture never had it). Numbers from the kernel's unistd headers (asm/unistd_64.h, asm-generic/unistd.h). Loaded inside the
// observer's thread, so it imports nothing.

export type Arch = "x86_64" | "aarch64";

const table = {
  _sysctl: [156, null],
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bind: [49, 200],
  bpf: [321, 280],
  chmod: [90, null],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  clone: [56, 220],
  clone3: [435, 435],
  connect: [42, 203],
  creat: [85, null],
  create_module: [174, null],
  delete_module: [176, 106],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_pwait: [281, 22],
  execve: [59, 221],
  execveat: [322, 281],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  get_kernel_syms: [177, null],
  get_mempolicy: [239, 236],
  getsockopt: [55, 209],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  ioperm: [173, null],
  iopl: [172, null],
  kcmp: [312, 272],
  kill: [62, 129],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  listen: [50, 201],
  listmount: [458, 458],
  lookup_dcookie: [212, 18],
  lsm_set_self_attr: [460, 460],
  mbind: [237, 235],
  memfd_secret: [447, 447],
  migrate_pages: [256, 238],
  mknod: [133, null],
  mknodat: [259, 33],
  modify_ldt: [154, null],
  lgetxattr: [192, 9],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open: [2, null],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  openat: [257, 56],
  openat2: [437, 437],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  pidfd_open: [434, 434],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  query_module: [178, null],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  seccomp: [317, 277],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  sendto: [44, 206],
  setns: [308, 268],
  settimeofday: [164, 170],
  sched_setscheduler: [144, 119],
  socket: [41, 198],
  socketpair: [53, 199],
  statmount: [457, 457],
  swapoff: [168, 225],
  swapon: [167, 224],
  sysfs: [139, null],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  uselib: [134, null],
  userfaultfd: [323, 282],
  ustat: [136, null],
  vhangup: [153, 58],
  vserver: [236, null],
} as const satisfies Record<string, readonly [number | null, number | null]>;

export type SyscallName = keyof typeof table;
export const syscallNames = Object.keys(table) as SyscallName[];

/** The call's number, or null where the architecture has none. */
export function findSyscall(arch: Arch, name: SyscallName): number | null {
  return table[name][arch === "x86_64" ? 0 : 1];
}

/** The call's number. Throws RangeError where the architecture has none. */
export function syscallNumber(arch: Arch, name: SyscallName): number {
  const number = findSyscall(arch, name);
  if (number === null) throw new RangeError(`no ${name} on ${arch}`);
  return number;
}

/** The first number nobody has reviewed for these lists (Linux 6.18 ends at 469). */
export const FIRST_UNREVIEWED = 470;
/** Numbers from here up are x32's on x86_64 (asm/unistd.h). */
export const X32_BIT = 0x40000000;

/** linux/audit.h */
export const auditArch: Record<Arch, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };

/** linux/seccomp.h: notification ioctls. */
export const seccompIoctl = { receive: 0xc0502100, send: 0xc0182101, valid: 0x40082102 } as const;

/** linux/pidfd.h: PIDFD_GET_INFO with the first version of its structure (Linux 6.13), and the bit that asks for the exit status (6.15). */
export const pidfdInfo = {
  ...{ request: 0xc040ff0b, bytes: 64 },
  ...{ ids: 1n, processAt: 20, parentAt: 24 },
  ...{ exit: 8n, exitCodeAt: 60 },
} as const;

/** asm-generic/ioctls.h: terminal requests that push input or rewire a terminal. */
export const terminalIoctl = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCCONS: 0x541d, TIOCSETD: 0x5423 } as const;

export const errnos = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** linux/sched.h: every flag that asks for a new namespace. */
export const CLONE_NAMESPACES = 0x7e020080;

export const families = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const;
export const socketTypes = { STREAM: 1, SEQPACKET: 5, MASK: 0xf } as const;
/** asm-generic/fcntl.h */
export const openFlags = { CREAT: 0o100, TMPFILE: 0o20000000 } as const;
/** O_NOFOLLOW: asm-generic/fcntl.h, and what arm64 has instead (asm/fcntl.h). */
export const noFollow: Record<Arch, number> = { x86_64: 0o400000, aarch64: 0o100000 };
export const SETID_BITS = 0o6000;
