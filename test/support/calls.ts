// System calls that must be closed, written down a second time from the kernel's headers (asm/unistd_64.h, asm-generic/unistd.h), so that a
// wrong number in the product's table is found out.

import type { Arch } from "#sandbox/syscalls.ts";

export type Numbers = Record<string, number>;

/** "name x86_64 aarch64 · …"; "-" where the architecture has no such call. */
export function numbers(text: string): Record<Arch, Numbers> {
  const rows = text
    .trim()
    .split(/\s*·\s*/)
    .map((row) => row.split(/\s+/) as [string, string, string]);
  const column = (at: 1 | 2) =>
    Object.fromEntries(rows.filter((row) => row[at] !== "-").map((row) => [row[0], Number(row[at])]));
  return { x86_64: column(1), aarch64: column(2) };
}

export const refused = numbers(`
  process_vm_readv 310 270 · process_vm_writev 311 271 · kcmp 312 272 · pidfd_getfd 438 438 · process_madvise 440 440 ·
  process_mrelease 448 448 · add_key 248 217 · request_key 249 218 · keyctl 250 219 · bpf 321 280 ·
  perf_event_open 298 241 · userfaultfd 323 282 · io_uring_setup 425 425 · io_uring_enter 426 426 ·
  io_uring_register 427 427 · init_module 175 105 · finit_module 313 273 · delete_module 176 106 · create_module 174 - ·
  query_module 178 - · get_kernel_syms 177 - · kexec_load 246 104 · kexec_file_load 320 294 · reboot 169 142 ·
  mount 165 40 · umount2 166 39 · pivot_root 155 41 · chroot 161 51 · swapon 167 224 · swapoff 168 225 ·
  unshare 272 97 · setns 308 268 · quotactl 179 60 · quotactl_fd 443 443 · acct 163 89 · syslog 103 116 · uselib 134 - ·
  nfsservctl 180 42 · lookup_dcookie 212 18 · ustat 136 - · sysfs 139 - · _sysctl 156 - · vhangup 153 58 · iopl 172 - ·
  ioperm 173 - · modify_ldt 154 - · vserver 236 - · settimeofday 164 170 · clock_settime 227 112 ·
  clock_adjtime 305 266 · adjtimex 159 171 · sethostname 170 161 · setdomainname 171 162 · open_by_handle_at 304 265 ·
  name_to_handle_at 303 264 · fanotify_init 300 262 · fanotify_mark 301 263 · move_pages 279 239 · mbind 237 235 ·
  migrate_pages 256 238 · set_mempolicy 238 237 · get_mempolicy 239 236 · set_mempolicy_home_node 450 450 ·
  lsm_set_self_attr 460 460 · memfd_secret 447 447`);
export const absent = numbers(`
  clone3 435 435 · open_tree 428 428 · move_mount 429 429 · fsopen 430 430 · fsconfig 431 431 · fsmount 432 432 ·
  fspick 433 433 · mount_setattr 442 442 · open_tree_attr 467 467 · statmount 457 457 · listmount 458 458`);

/** linux/audit.h */
export const audit: Record<Arch, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
