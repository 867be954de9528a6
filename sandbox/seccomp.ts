// A classic BPF assembler for seccomp filters: rules in, struct sock_filter bytes out, and back again for tests and for people.
// Only the low 32 bits of an argument are compared, as the kernel does for int parameters (a 64-bit comparison was CVE-2019-10063).
// Does not stop: what a pointer argument points to; classic BPF cannot look there.

/** What happens to a call. */
export type Action = { kind: "allow" } | { kind: "errno"; errno: number } | { kind: "kill" } | { kind: "notify" };

/** A condition on one argument's low word; all of a rule's conditions must hold. */
export type Condition =
  | { argument: number; kind: "equals"; value: number }
  | { argument: number; kind: "differs"; value: number }
  | { argument: number; kind: "anyBit"; mask: number }
  | { argument: number; kind: "masked"; mask: number; value: number }
  | { argument: number; kind: "noneOf"; values: number[] };

export type Rule = { syscall: number; when: Condition[]; action: Action };

export type FilterSpec = {
  arch: number;
  /** x86_64 only: numbers with this bit are another ABI's and are killed. */
  foreignBit: number | null;
  /** Numbers from here up are answered with ENOSYS. */
  firstUnknown: number | null;
  rules: Rule[];
};

export type Program = { bytes: Uint8Array; instructions: number };
export type Instruction = { code: number; jt: number; jf: number; k: number };

// linux/bpf_common.h
const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_SET = 0x45;
const AND = 0x54;
const RETURN = 0x06;
// struct seccomp_data: nr at 0, arch at 4, args from 16, eight bytes each, little-endian.
const NR = 0;
const ARCH = 4;
const argumentOffset = (index: number) => 16 + index * 8;

const ENOSYS = 38;

export function returnValue(action: Action): number {
  switch (action.kind) {
    case "allow":
      return 0x7fff0000;
    case "errno":
      return 0x00050000 | action.errno;
    case "kill":
      return 0x80000000;
    case "notify":
      return 0x7fc00000;
  }
}

const ins = (code: number, k: number, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k: k >>> 0 });
const ret = (action: Action): Instruction => ins(RETURN, returnValue(action));

// Each condition falls through when it holds and jumps `skip` instructions past its own end when it does not.
function conditionCode(condition: Condition, skip: number): Instruction[] {
  const load = ins(LOAD, argumentOffset(condition.argument));
  switch (condition.kind) {
    case "equals":
      return [load, ins(JUMP_EQUAL, condition.value, 0, skip)];
    case "differs":
      return [load, ins(JUMP_EQUAL, condition.value, skip, 0)];
    case "anyBit":
      return [load, ins(JUMP_SET, condition.mask, 0, skip)];
    case "masked":
      return [load, ins(AND, condition.mask), ins(JUMP_EQUAL, condition.value, 0, skip)];
    case "noneOf":
      return [
        load,
        ...condition.values.map((value, index) =>
          ins(JUMP_EQUAL, value, skip + condition.values.length - 1 - index, 0),
        ),
      ];
  }
}

function ruleCode(rule: Rule): Instruction[] {
  let body: Instruction[] = [ret(rule.action)];
  for (const condition of rule.when.toReversed()) body = [...conditionCode(condition, body.length), ...body];
  // A rule that looked at arguments leaves the number's register spoilt for the next one.
  if (rule.when.length > 0) body.push(ins(LOAD, NR));
  // Short enough for an 8-bit jump as long as a rule stays below 255 instructions.
  return [ins(JUMP_EQUAL, rule.syscall, 0, body.length), ...body];
}

/** Assembles a filter: foreign architecture and ABI killed, unknown numbers refused, then the rules in order, then allow. */
export function assemble(spec: FilterSpec): Program {
  const kill = ret({ kind: "kill" });
  const code: Instruction[] = [ins(LOAD, ARCH), ins(JUMP_EQUAL, spec.arch, 1, 0), kill, ins(LOAD, NR)];
  if (spec.foreignBit !== null) code.push(ins(JUMP_AT_LEAST, spec.foreignBit, 0, 1), kill);
  if (spec.firstUnknown !== null) {
    code.push(ins(JUMP_AT_LEAST, spec.firstUnknown, 0, 1), ret({ kind: "errno", errno: ENOSYS }));
  }
  for (const rule of spec.rules) code.push(...ruleCode(rule));
  code.push(ret({ kind: "allow" }));
  return { bytes: encode(code), instructions: code.length };
}

/** struct sock_filter: code u16, jt u8, jf u8, k u32. Throws RangeError on a jump that does not fit. */
export function encode(code: Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(code.length * 8));
  for (const [index, { code: op, jt, jf, k }] of code.entries()) {
    if (jt > 255 || jf > 255) throw new RangeError("jump too far");
    view.setUint16(index * 8, op, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}

/** The instructions of a program. */
export function decode(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

const mnemonics: Record<number, string> = {
  [LOAD]: "ld",
  [JUMP_EQUAL]: "jeq",
  [JUMP_AT_LEAST]: "jge",
  [JUMP_SET]: "jset",
  [AND]: "and",
  [RETURN]: "ret",
};

/** A program as text, one instruction a line. */
export function disassemble(bytes: Uint8Array): string {
  return decode(bytes)
    .map(({ code, jt, jf, k }, index) => `${index}: ${mnemonics[code] ?? code} 0x${k.toString(16)} ${jt} ${jf}`)
    .join("\n");
}
