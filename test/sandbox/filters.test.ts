// Every filter of both architectures, run call by call through an interpreter. The numbers here are written down a second time, from the
// kernel's headers, so that a wrong one in the product's table is found out.

import { describe, expect, test } from "bun:test";
import { absentCalls, baseFilter, clientFilter, listenerFilter, refusedCalls } from "#sandbox/filters.ts";
import type { Program } from "#sandbox/seccomp.ts";
import type { Arch } from "#sandbox/syscalls.ts";
import { absent, audit, numbers, type Numbers, refused } from "#test/support/calls.ts";
import { answerOf, checkProgram, loadFilter } from "#test/support/bpf.ts";

const needed = numbers(`
  read 0 63 · write 1 64 · close 3 57 · openat 257 56 · execve 59 221 · execveat 322 281 · clone 56 220 · fork 57 - ·
  vfork 58 - · wait4 61 260 · futex 202 98 · mmap 9 222 · mprotect 10 226 · exit_group 231 94 · getdents64 217 61 ·
  kill 62 129 · prctl 157 167 · seccomp 317 277 · connect 42 203 · bind 49 200 · listen 50 201 · sendmsg 46 211 ·
  memfd_create 319 279 · renameat2 316 276 · unlinkat 263 35 · statx 332 291 · landlock_create_ruleset 444 444 ·
  ioctl 16 29 · personality 135 92 · fchmod 91 52 · mknodat 259 33`);
const inspected = numbers(`
  clone 56 220 · ioctl 16 29 · personality 135 92 · socket 41 198 · socketpair 53 199 · chmod 90 - · fchmod 91 52 ·
  fchmodat 268 53 · fchmodat2 452 452 · creat 85 - · mknod 133 - · mknodat 259 33 · open 2 - · openat 257 56 ·
  openat2 437 437 · ptrace 101 117 · execve 59 221 · execveat 322 281 · read 0 63`);

const foreign: Record<Arch, number[]> = {
  x86_64: [0x40000003, 0xc00000b7, 0, 0x3e], // i386, aarch64, none, x86-64 without its flags
  aarch64: [0x40000028, 0xc000003e, 0, 0xb7], // arm, x86_64, none, aarch64 without its flags
};
const profiles = ["strict", "hardened", "normal"] as const;
const HIGH = 0xffff_ffff_0000_0000n;

for (const arch of ["x86_64", "aarch64"] as const) {
  const answer = (program: Program, nr: number, args: (number | bigint)[] = [], on = audit[arch]) =>
    answerOf(loadFilter(program.bytes)({ nr, arch: on, args }));
  const answers = (program: Program, calls: Numbers) =>
    Object.fromEntries(Object.entries(calls).map(([name, nr]) => [name, answer(program, nr)]));
  const all = (calls: Numbers, word: string) => Object.fromEntries(Object.keys(calls).map((name) => [name, word]));
  const nr = inspected[arch];
  const base = Object.fromEntries(profiles.map((profile) => [profile, baseFilter(arch, { profile })])) as Record<
    (typeof profiles)[number],
    Program
  >;
  const client = clientFilter(arch);
  const listener = listenerFilter(arch);

  describe(arch, () => {
    test("a kernel accepts every program", () => {
      for (const program of [...Object.values(base), client, listener]) {
        checkProgram(program.bytes);
        expect(program.bytes.length).toBe(program.instructions * 8);
      }
    });

    test("a foreign architecture is killed by every program", () => {
      for (const program of [...Object.values(base), client, listener]) {
        expect(foreign[arch].map((on) => answer(program, nr.read!, [], on))).toEqual(
          foreign[arch].map(() => "kill process"),
        );
      }
    });

    test(`x32 calls are ${arch === "x86_64" ? "killed" : "unknown here"}`, () => {
      const calls = [0x40000000, 0x40000000 + nr.read!, 0x400001ff, 0xffffffff];
      const [word, open] = arch === "x86_64" ? ["kill process", "kill process"] : ["ENOSYS", "allow"];
      for (const program of Object.values(base)) {
        expect(calls.map((call) => answer(program, call))).toEqual(calls.map(() => word));
      }
      for (const program of [client, listener]) {
        expect(calls.map((call) => answer(program, call))).toEqual(calls.map(() => open));
      }
    });

    for (const profile of profiles) {
      const program = base[profile];
      describe(profile, () => {
        test("refused calls get EPERM, absent ones ENOSYS, needed ones through", () => {
          expect(answers(program, refused[arch])).toEqual(all(refused[arch], "EPERM"));
          expect(answers(program, absent[arch])).toEqual(all(absent[arch], "ENOSYS"));
          expect(answers(program, needed[arch])).toEqual(all(needed[arch], "allow"));
        });

        test("numbers nobody has reviewed do not exist", () => {
          expect([469, 470, 471, 511, 512, 1000, 0x3fffffff].map((call) => answer(program, call))).toEqual([
            "allow",
            ...Array.from({ length: 6 }, () => "ENOSYS"),
          ]);
        });

        test("everything that is on no list is let through", () => {
          const listed = new Set([...Object.values(refused[arch]), ...Object.values(absent[arch])]);
          for (const call of Object.values(nr)) listed.add(call);
          const others = Array.from({ length: 470 }, (_, call) => call).filter((call) => !listed.has(call));
          expect(others.filter((call) => answer(program, call, [1, 1, 1, 1, 1, 1]) !== "allow")).toEqual([]);
        });

        test("ptrace and openat2", () => {
          expect([answer(program, nr.ptrace!), answer(program, nr.openat2!)]).toEqual(
            { strict: ["EPERM", "ENOSYS"], hardened: ["EPERM", "ENOSYS"], normal: ["allow", "allow"] }[profile],
          );
        });

        const namespaces = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80];
        const SIGCHLD = 17;
        const THREAD = 0x3d0f00; // what pthread_create asks for
        const suid = 0o4755;
        const sgid = 0o2755;
        const CREAT = 0o100;
        const TMPFILE = 0o20000000;
        const rows: [string, keyof typeof nr, (number | bigint)[], string][] = [
          ["fork", "clone", [SIGCHLD], "allow"],
          ["a thread", "clone", [THREAD], "allow"],
          ["clone with only high bits", "clone", [HIGH | 17n], "allow"],
          ...namespaces.map((flag): (typeof rows)[number] => [
            `clone 0x${flag.toString(16)}`,
            "clone",
            [flag | 1],
            "EPERM",
          ]),
          ["a namespace below high bits", "clone", [HIGH | 0x10000011n], "EPERM"],
          ["TCGETS", "ioctl", [0, 0x5401], "allow"],
          ["TIOCGWINSZ", "ioctl", [0, 0x5413], "allow"],
          ["TIOCSTI as descriptor and pointer only", "ioctl", [0x5412, 0x5401, 0x5412], "allow"],
          ...[0x5412, 0x541c, 0x541d, 0x5423].flatMap((request): typeof rows => [
            [`ioctl 0x${request.toString(16)}`, "ioctl", [0, request], "EPERM"],
            [`ioctl 0x${request.toString(16)} with high bits`, "ioctl", [0, HIGH | BigInt(request)], "EPERM"],
            [
              `ioctl 0x${request.toString(16)} with one high bit`,
              "ioctl",
              [0, 0x1_0000_0000n | BigInt(request)],
              "EPERM",
            ],
          ]),
          ["personality 0", "personality", [0], "allow"],
          ["personality asked for", "personality", [0xffffffff], "allow"],
          ["personality without randomized addresses", "personality", [0x40000], "EPERM"],
          ["personality read implies exec", "personality", [0x400000], "EPERM"],
          ["personality below high bits", "personality", [HIGH | 0x40000n], "EPERM"],
          ["AF_UNIX", "socket", [1, 1], "allow"],
          ["AF_INET", "socket", [2, 1, 6], "allow"],
          ["AF_INET6", "socket", [10, 2, 17], "allow"],
          ["route netlink", "socket", [16, 3, 0], "allow"],
          ["netfilter netlink", "socket", [16, 3, 12], "EPERM"],
          ["audit netlink below high bits", "socket", [HIGH | 16n, 3, HIGH | 9n], "EPERM"],
          ...[0, 3, 9, 15, 17, 29, 31, 38, 40, 44, 0xffffffff].map((family): (typeof rows)[number] => [
            `family ${family}`,
            "socket",
            [family, 1],
            "EAFNOSUPPORT",
          ]),
          ["a pair of AF_UNIX", "socketpair", [1, 1], "allow"],
          ["a pair of AF_INET", "socketpair", [2, 1], "EAFNOSUPPORT"],
          ["a pair of AF_TIPC", "socketpair", [30, 1], "EAFNOSUPPORT"],
          ...(
            [
              ["chmod", 1],
              ["fchmod", 1],
              ["fchmodat", 2],
              ["fchmodat2", 2],
              ["creat", 1],
              ["mknod", 1],
              ["mknodat", 2],
            ] as const
          ).flatMap(([name, at]): typeof rows => {
            // The arguments before the mode are pointers and descriptors, in which these bits mean nothing.
            const args = (mode: number | bigint) => [...Array.from({ length: at }, () => 0o6000), mode];
            return [
              [`${name} 0755`, name, args(0o755), "allow"],
              [`${name} sticky`, name, args(0o1777), "allow"],
              [`${name} setuid`, name, args(suid), "EPERM"],
              [`${name} setgid`, name, args(sgid), "EPERM"],
              [`${name} setuid below high bits`, name, args(HIGH | 0o4000n), "EPERM"],
            ];
          }),
          ...(
            [
              ["open", [0o6000]],
              ["openat", [0o6000, 0o6000]],
            ] as const
          ).flatMap(([name, before]): typeof rows => [
            [`${name} without creating`, name, [...before, 0, suid], "allow"],
            [`${name} a folder`, name, [...before, 0o200000, suid], "allow"],
            [`${name} creating 0644`, name, [...before, CREAT | 1, 0o644], "allow"],
            [`${name} creating setuid`, name, [...before, CREAT | 1, suid], "EPERM"],
            [
              `${name} creating setgid below high bits`,
              name,
              [...before, HIGH | BigInt(CREAT), HIGH | 0o2000n],
              "EPERM",
            ],
            [`${name} unnamed setuid`, name, [...before, TMPFILE | 2, suid], "EPERM"],
            [`${name} unnamed 0600`, name, [...before, TMPFILE | 2, 0o600], "allow"],
          ]),
        ];
        test("calls judged by their arguments", () => {
          const known = rows.filter(([, name]) => nr[name] !== undefined);
          expect(known.map(([what, name, args]) => [what, answer(program, nr[name]!, args)])).toEqual(
            known.map(([what, , , word]) => [what, word]),
          );
        });
      });
    }

    test("the client's filter closes AF_UNIX but for pairs that stay paired", () => {
      const rows: [string, keyof typeof nr, (number | bigint)[], string][] = [
        ["a stream socket", "socket", [1, 1], "EPERM"],
        ["a datagram socket", "socket", [1, 2], "EPERM"],
        ["below high bits", "socket", [HIGH | 1n, 1], "EPERM"],
        ["AF_INET", "socket", [2, 1], "allow"],
        ["a stream pair", "socketpair", [1, 1], "allow"],
        ["a stream pair, close-on-exec and non-blocking", "socketpair", [1, 1 | 0o2000000 | 0o4000], "allow"],
        ["a datagram pair", "socketpair", [1, 2], "EPERM"],
        ["a datagram pair, close-on-exec", "socketpair", [1, 2 | 0o2000000], "EPERM"],
        ["a datagram pair below high bits", "socketpair", [1, HIGH | 2n], "EPERM"],
        ["a packet pair, close-on-exec", "socketpair", [1, 5 | 0o2000000], "allow"],
        ["a type nobody has made", "socketpair", [1, 6], "EPERM"],
        ["a raw pair, which AF_UNIX makes a datagram pair", "socketpair", [1, 3], "EPERM"],
        ["a pair of AF_INET", "socketpair", [2, 1], "EPERM"],
      ];
      expect(rows.map(([what, name, args]) => [what, answer(client, nr[name]!, args)])).toEqual(
        rows.map(([what, , , word]) => [what, word]),
      );
    });

    test("the client's filter touches nothing else", () => {
      const others = Array.from({ length: 500 }, (_, call) => call).filter(
        (call) => call !== nr.socket && call !== nr.socketpair,
      );
      expect(others.filter((call) => answer(client, call, [1, 1, 1]) !== "allow")).toEqual([]);
    });

    test("the listener hears of both execs and of nothing else", () => {
      const heard = Array.from({ length: 600 }, (_, call) => call).filter((call) => answer(listener, call) !== "allow");
      expect(heard.map((call) => [call, answer(listener, call)])).toEqual(
        [nr.execve!, nr.execveat!].sort((a, b) => a - b).map((call) => [call, "notify"]),
      );
    });
  });
}

test("the lists hold every call written down here and no other", () => {
  expect([[...refusedCalls].sort(), [...absentCalls].sort()] as string[][]).toEqual([
    Object.keys(refused.x86_64).sort(),
    Object.keys(absent.x86_64).sort(),
  ]);
});
