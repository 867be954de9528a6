// Who is at the other end of a Unix socket, as the kernel says (unix(7), SO_PEERCRED).
// Does not stop: the peer from having handed its end to somebody else since.

import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** As it was when it connected. `pid` is 0 for a process of another pid namespace that is not below ours. */
export function peerOf(socket: number, arch: Arch): { pid: number; uid: number } {
  const credentials = new Int32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  const [into, size] = [libc.addressOf(credentials), libc.addressOf(length)];
  libc.systemCall(syscallNumber(arch, "getsockopt"), socket, SOL_SOCKET, SO_PEERCRED, into, size);
  return { pid: credentials[0]!, uid: credentials[1]! };
}
