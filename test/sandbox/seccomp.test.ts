// The assembler: what it puts out is what a kernel accepts, means what the rules say, and can be read back.

import { describe, expect, test } from "bun:test";
import {
  type Action,
  assemble,
  type Condition,
  decode,
  disassemble,
  encode,
  returnValue,
  type Rule,
} from "#sandbox/seccomp.ts";
import { answerOf, checkProgram, loadFilter } from "#test/support/bpf.ts";

const ARCH = 0xc000003e;
const eperm: Action = { kind: "errno", errno: 1 };
const filter = (rules: Rule[], foreignBit: number | null = null, firstUnknown: number | null = null) =>
  assemble({ arch: ARCH, foreignBit, firstUnknown, rules });
const answer = (bytes: Uint8Array, nr: number, args: (number | bigint)[] = [], arch = ARCH) =>
  answerOf(loadFilter(bytes)({ nr, arch, args }));

test("the value of each action is the kernel's", () => {
  expect(
    [{ kind: "allow" }, { kind: "errno", errno: 38 }, { kind: "kill" }, { kind: "notify" }].map((action) =>
      returnValue(action as Action),
    ),
  ).toEqual([0x7fff0000, 0x00050026, 0x80000000, 0x7fc00000]);
});

test("a filter without rules, byte for byte", () => {
  const { bytes, instructions } = filter([]);
  expect({ hex: Buffer.from(bytes).toString("hex"), instructions }).toEqual({
    hex: [
      "2000000004000000", // ld arch
      "150001003e0000c0", // jeq AUDIT_ARCH_X86_64, over the kill
      "0600000000000080", // ret KILL_PROCESS
      "2000000000000000", // ld nr
      "060000000000ff7f", // ret ALLOW
    ].join(""),
    instructions: 5,
  });
});

test("encode and decode are each other's inverse; a jump that does not fit is refused", () => {
  const code = [
    { code: 0x20, jt: 0, jf: 0, k: 0 },
    { code: 0x15, jt: 255, jf: 1, k: 0xffffffff },
    { code: 0x06, jt: 0, jf: 0, k: 0x7fff0000 },
  ];
  expect(decode(encode(code))).toEqual(code);
  const inside = new Uint8Array(40);
  inside.set(encode(code), 8);
  expect(decode(inside.subarray(8, 32))).toEqual(code);
  for (const jump of [{ jt: 256 }, { jf: 256 }]) {
    expect(() => encode([{ code: 0x15, jt: 0, jf: 0, k: 0, ...jump }])).toThrow(RangeError);
  }
});

test("a rule too long for its own jump is refused, not cut", () => {
  const values = Array.from({ length: 300 }, (_, index) => index);
  expect(() => filter([{ syscall: 1, when: [{ argument: 0, kind: "noneOf", values }], action: eperm }])).toThrow(
    RangeError,
  );
});

test("a program as text", () => {
  expect(disassemble(filter([{ syscall: 165, when: [], action: eperm }]).bytes)).toBe(
    [
      "0: ld 0x4 0 0",
      "1: jeq 0xc000003e 1 0",
      "2: ret 0x80000000 0 0",
      "3: ld 0x0 0 0",
      "4: jeq 0xa5 0 1",
      "5: ret 0x50001 0 0",
      "6: ret 0x7fff0000 0 0",
    ].join("\n"),
  );
});

describe("conditions look at the low word of one argument", () => {
  const HIGH = 0xffff_ffff_0000_0000n;
  const cases: [string, Condition, (number | bigint)[], (number | bigint)[]][] = [
    ["equals", { argument: 1, kind: "equals", value: 0x5412 }, [0x5412, HIGH | 0x5412n], [0, 0x5413, 0x15412]],
    ["differs", { argument: 1, kind: "differs", value: 1 }, [0, 2, HIGH, 0x1_0000_0000n], [1, HIGH | 1n]],
    ["anyBit", { argument: 1, kind: "anyBit", mask: 0o6000 }, [0o4000, 0o2755, HIGH | 0o2000n], [0, 0o1777, HIGH]],
    ["masked", { argument: 1, kind: "masked", mask: 0xf, value: 1 }, [1, 0x80801, HIGH | 1n], [0, 2, 0x80802, 3]],
    ["noneOf", { argument: 1, kind: "noneOf", values: [0, 10, 0xffffffff] }, [1, 9, 11, HIGH | 4n], [0, 10, -1, HIGH]],
  ];
  for (const [name, condition, holds, fails] of cases) {
    test(name, () => {
      const { bytes } = filter([{ syscall: 7, when: [condition], action: eperm }]);
      // The other arguments hold the opposite, so that looking at the wrong one is found out.
      const run = (value: number | bigint, other: number | bigint) =>
        answer(bytes, 7, [other, value, other, other, other, other]);
      expect(holds.map((value) => run(value, fails[0]!))).toEqual(holds.map(() => "EPERM"));
      expect(fails.map((value) => run(value, holds[0]!))).toEqual(fails.map(() => "allow"));
    });
  }

  test("each of the six arguments is reached", () => {
    for (let argument = 0; argument < 6; argument++) {
      const { bytes } = filter([{ syscall: 7, when: [{ argument, kind: "equals", value: 5 }], action: eperm }]);
      const answers = Array.from({ length: 6 }, (_, set) => answer(bytes, 7, [0, 0, 0, 0, 0, 0].with(set, 5)));
      expect(answers).toEqual(Array.from({ length: 6 }, (_, set) => (set === argument ? "EPERM" : "allow")));
    }
  });

  test("all of a rule's conditions must hold, whatever their kinds", () => {
    const when: Condition[] = [
      { argument: 0, kind: "masked", mask: 0xf, value: 1 },
      { argument: 1, kind: "noneOf", values: [3, 4] },
      { argument: 2, kind: "anyBit", mask: 8 },
      { argument: 3, kind: "differs", value: 0 },
    ];
    const { bytes } = filter([{ syscall: 7, when, action: eperm }]);
    const good = [0x11, 5, 8, 1];
    const spoilt = [2, 4, 7, 0];
    expect(answer(bytes, 7, good)).toBe("EPERM");
    expect(spoilt.map((value, index) => answer(bytes, 7, good.with(index, value)))).toEqual(spoilt.map(() => "allow"));
  });
});

test("rules hold in order, and a rule that did not match leaves the number for the next", () => {
  const { bytes } = filter([
    { syscall: 7, when: [{ argument: 0, kind: "masked", mask: 0xff, value: 8 }], action: { kind: "allow" } },
    { syscall: 7, when: [{ argument: 0, kind: "anyBit", mask: 1 }], action: { kind: "notify" } },
    { syscall: 7, when: [], action: eperm },
    { syscall: 8, when: [], action: { kind: "errno", errno: 38 } },
  ]);
  expect([
    answer(bytes, 7, [8]),
    answer(bytes, 7, [9]),
    answer(bytes, 7, [10]),
    answer(bytes, 8, [8]),
    answer(bytes, 9, [8]),
  ]).toEqual(["allow", "notify", "EPERM", "ENOSYS", "allow"]);
});

test("another architecture and another ABI are killed before any rule; unknown numbers are refused", () => {
  const { bytes } = filter([{ syscall: 1, when: [], action: eperm }], 0x40000000, 470);
  expect([
    answer(bytes, 1, [], 0x40000003),
    answer(bytes, 2, [], 0),
    answer(bytes, 0x40000001),
    answer(bytes, 0xffffffff),
    answer(bytes, 0x3fffffff),
    answer(bytes, 470),
    answer(bytes, 469),
    answer(bytes, 1),
  ]).toEqual(["kill process", "kill process", "kill process", "kill process", "ENOSYS", "ENOSYS", "allow", "EPERM"]);
  expect(answer(filter([]).bytes, 0x40000001)).toBe("allow");
});

test("the interpreter refuses what a kernel refuses", () => {
  const broken = [
    [{ code: 0x20, jt: 0, jf: 0, k: 2 }],
    [{ code: 0x20, jt: 0, jf: 0, k: 64 }],
    [{ code: 0x15, jt: 1, jf: 0, k: 0 }],
    [{ code: 0x99, jt: 0, jf: 0, k: 0 }],
  ].map((code) => encode([...code, { code: 0x06, jt: 0, jf: 0, k: 0 }]));
  for (const bytes of [...broken, encode([{ code: 0x20, jt: 0, jf: 0, k: 0 }]), new Uint8Array(0)]) {
    expect(() => checkProgram(bytes)).toThrow();
  }
});
