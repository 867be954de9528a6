// STUB-BY-LEAD (to be overwritten by the real tables)
import type { Arch } from "./host.ts";
const t: Record<string, Record<string, number>> = {
  x86_64: { seccomp: 317, execve: 59, execveat: 322, openat2: 437, socket: 41, socketpair: 53 },
  aarch64: { seccomp: 277, execve: 221, execveat: 281, openat2: 437, socket: 198, socketpair: 199 },
};
export function syscallNumber(arch: Arch, name: string): number {
  return t[arch]![name]!;
}
export const seccompIoctl = { receive: 0xc0502100, send: 0xc0182101, valid: 0x40082102 };
