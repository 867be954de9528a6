// What the kernel does with a seccomp filter, in a few lines: classic BPF over struct seccomp_data (linux/seccomp.h, linux/bpf_common.h).
// It refuses what the kernel refuses: loads that are unaligned or outside the structure, jumps past the end, programs without a return.

export type Call = { nr: number; arch: number; args?: (number | bigint)[] };

type Step = { op: number; jt: number; jf: number; k: number };

const DATA_BYTES = 64;
const MAX_INSTRUCTIONS = 4096;
const AND = 0x54;
const LOAD = 0x20;

// struct seccomp_data: nr u32 at 0, arch u32 at 4, ip u64 at 8, six args of u64 from 16, little-endian.
function seccompData({ nr, arch, args = [] }: Call): DataView {
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  view.setBigUint64(8, 0x7f00_dead_beefn, true);
  for (const [index, value] of args.entries()) {
    view.setBigUint64(16 + index * 8, BigInt.asUintN(64, BigInt(value)), true);
  }
  return view;
}

function steps(bytes: Uint8Array): Step[] {
  if (bytes.length === 0 || bytes.length % 8 !== 0 || bytes.length / 8 > MAX_INSTRUCTIONS)
    throw new Error(`no program: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index) => ({
    op: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

// The jumps, BPF_JMP | BPF_K: JEQ, JGT, JGE, JSET.
const jumps: Record<number, (a: number, k: number) => boolean> = {
  0x15: (a, k) => a === k,
  0x25: (a, k) => a > k,
  0x35: (a, k) => a >= k,
  0x45: (a, k) => (a & k) !== 0,
};

const isReturn = (op: number) => op === 0x06;

function checked(bytes: Uint8Array): Step[] {
  const program = steps(bytes);
  for (const [at, { op, jt, jf, k }] of program.entries()) {
    if (op === LOAD) {
      if (k % 4 !== 0 || k >= DATA_BYTES) throw new Error(`${at}: load from ${k}`);
    } else if (op in jumps) {
      if (at + 1 + Math.max(jt, jf) >= program.length) throw new Error(`${at}: jump past the end`);
    } else if (op !== AND && !isReturn(op)) throw new Error(`${at}: unknown instruction ${op}`);
  }
  if (!isReturn(program.at(-1)!.op)) throw new Error("the program does not end in a return");
  return program;
}

/** What the kernel's checker says of a program before it is installed. Throws on one it would refuse. */
export function checkProgram(bytes: Uint8Array): void {
  checked(bytes);
}

/** Makes a filter ready to be asked: the answer to a call is its 32-bit return value. */
export function loadFilter(bytes: Uint8Array): (call: Call) => number {
  const program = checked(bytes);
  return (call) => {
    const data = seccompData(call);
    let accumulator = 0;
    for (let at = 0; ; at++) {
      const { op, jt, jf, k } = program[at]!;
      if (isReturn(op)) return k;
      const jump = jumps[op];
      if (jump !== undefined) at += jump(accumulator, k) ? jt : jf;
      else if (op === AND) accumulator = (accumulator & k) >>> 0;
      else accumulator = data.getUint32(k, true);
    }
  };
}

/** The answer in words (linux/seccomp.h: SECCOMP_RET_*). */
export function answerOf(value: number): string {
  const words: Record<number, string> = {
    0x7fff0000: "allow",
    0x7fc00000: "notify",
    0x80000000: "kill process",
    0x00050001: "EPERM",
    0x00050026: "ENOSYS",
    0x00050061: "EAFNOSUPPORT",
  };
  return words[value] ?? `0x${value.toString(16)}`;
}
