// STUB-BY-LEAD (to be overwritten by the real lists)
import type { Arch } from "./host.ts";
import { syscallNumber } from "./syscalls.ts";
function ins(rows: [number, number, number, number][]) {
  const b = new DataView(new ArrayBuffer(rows.length * 8));
  rows.forEach(([c, t, f, k], i) => {
    b.setUint16(i * 8, c, true);
    b.setUint8(i * 8 + 2, t);
    b.setUint8(i * 8 + 3, f);
    b.setUint32(i * 8 + 4, k, true);
  });
  return { bytes: new Uint8Array(b.buffer), instructions: rows.length };
}
const ALLOW: [number, number, number, number] = [6, 0, 0, 0x7fff0000];
export function baseFilter(_a: Arch, _o: { profile: string }) {
  return ins([ALLOW]);
}
export function clientFilter(a: Arch, _o: { allowUnix: boolean }) {
  return ins([
    [0x20, 0, 0, 0],
    [0x15, 0, 3, syscallNumber(a, "socket")],
    [0x20, 0, 0, 16],
    [0x15, 0, 1, 1],
    [6, 0, 0, 0x00050001],
    ALLOW,
  ]);
}
export function listenerFilter(a: Arch) {
  return ins([
    [0x20, 0, 0, 0],
    [0x15, 2, 0, syscallNumber(a, "execve")],
    [0x15, 1, 0, syscallNumber(a, "execveat")],
    ALLOW,
    [6, 0, 0, 0x7fc00000],
  ]);
}
