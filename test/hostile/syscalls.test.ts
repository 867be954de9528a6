// Every entry of the seccomp lists, on the real kernel. In a strict run each call gets the answer that is written down here. Then the same filters
// with a mark of its own in every answer: what comes back says which line of the filter spoke, so that no refusal of the kernel's own is taken
// for one of ours. And without a filter, where those that need no right get through.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, closeSync, cpSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseFilter, clientFilter } from "#sandbox/filters.ts";
import { decode, encode } from "#sandbox/seccomp.ts";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { absent, audit, numbers, refused } from "#test/support/calls.ts";
import { loadFilter } from "#test/support/bpf.ts";
import { foreignPrograms } from "#test/support/elf.ts";
import { layBait } from "./bait.ts";

const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
const nr = numbers(`
  clone 56 220 · ioctl 16 29 · personality 135 92 · socket 41 198 · socketpair 53 199 · chmod 90 - · fchmod 91 52 ·
  fchmodat 268 53 · fchmodat2 452 452 · creat 85 - · mknod 133 - · mknodat 259 33 · open 2 - · openat 257 56 ·
  openat2 437 437 · ptrace 101 117 · getpid 39 172 · gettid 186 178`)[arch];
const HIGH = 0xffff_ffff_0000_0000n;
const AT = -100;
const PATH = "s:/tmp/call";

type Argument = number | bigint | string;
type Row = { name: string; number: number; args: Argument[]; answer: string; by: "base" | "client" | "nobody" };

function rows(): Row[] {
  const made: Row[] = [];
  const add = (name: string, number: number | undefined, args: Argument[], answer: string, by: Row["by"] = "base") => {
    if (number !== undefined) made.push({ name, number, args, answer, by });
  };
  for (const [name, number] of Object.entries(refused[arch])) add(name, number, [0, 0, 0, 0, 0, 0], "E1");
  for (const [name, number] of Object.entries(absent[arch])) add(name, number, [0, 0, 0, 0, 0, 0], "E38");
  add("ptrace", nr.ptrace, [0, 0, 0, 0], "E1");
  add("openat2", nr.openat2, [AT, PATH, "b:24", 24], "E38");
  for (const number of [470, 471, 600, 1000, 0x3fffffff]) add(`number ${number}`, number, [], "E38");
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80]) {
    add(`clone 0x${flag.toString(16)}`, nr.clone, [flag | 17, 0, 0, 0, 0], "E1");
    add(`clone 0x${flag.toString(16)} below high bits`, nr.clone, [HIGH | BigInt(flag | 17), 0, 0, 0, 0], "E1");
  }
  for (const request of [0x5412, 0x541c, 0x541d, 0x5423]) {
    add(`ioctl 0x${request.toString(16)}`, nr.ioctl, [0, request, "b:8"], "E1");
    add(`ioctl 0x${request.toString(16)} below high bits`, nr.ioctl, [0, HIGH | BigInt(request), "b:8"], "E1");
  }
  add("personality without random addresses", nr.personality, [0x40000], "E1");
  add("personality read implies exec", nr.personality, [0x400000], "E1");
  for (const family of [0, 3, 9, 15, 17, 29, 31, 38, 40, 44]) add(`family ${family}`, nr.socket, [family, 1, 0], "E97");
  add("netfilter's netlink", nr.socket, [16, 3, 12], "E1");
  for (const [what, type] of [
    ["stream", 1],
    ["datagram", 2],
    ["packet", 5],
  ] as const) {
    add(`AF_UNIX ${what}`, nr.socket, [1, type, 0], "E1", "client");
    add(`AF_UNIX ${what} below high bits`, nr.socket, [HIGH | 1n, type, 0], "E1", "client");
  }
  for (const [what, type] of [
    ["datagram", 2],
    ["raw", 3],
    ["datagram, close-on-exec", 0o2000002],
  ] as const)
    add(`pair, ${what}`, nr.socketpair, [1, type, 0, "b:8"], "E1", "client");
  add("pair, datagram below high bits", nr.socketpair, [1, HIGH | 2n, 0, "b:8"], "E1", "client");
  // The client's filter is the younger one, and of two refusals the kernel tells that one's.
  add("pair of AF_INET", nr.socketpair, [2, 1, 0, "b:8"], "E1");
  for (const mode of [0o4755, 0o2755]) {
    const what = mode.toString(8);
    add(`chmod ${what}`, nr.chmod, [PATH, mode], "E1");
    add(`fchmod ${what}`, nr.fchmod, [1, mode], "E1");
    add(`fchmodat ${what}`, nr.fchmodat, [AT, PATH, mode], "E1");
    add(`fchmodat2 ${what}`, nr.fchmodat2, [AT, PATH, mode, 0], "E1");
    add(`creat ${what}`, nr.creat, [PATH, mode], "E1");
    add(`mknod ${what}`, nr.mknod, [PATH, mode, 0], "E1");
    add(`mknodat ${what}`, nr.mknodat, [AT, PATH, mode, 0], "E1");
    add(`open, creating ${what}`, nr.open, [PATH, 0o101, mode], "E1");
    add(`openat, creating ${what}`, nr.openat, [AT, PATH, 0o101, mode], "E1");
    add(`openat, unnamed ${what}`, nr.openat, [AT, "s:/tmp", 0o20200002, mode], "E1");
  }
  // What stays open, through all of the filters.
  add("getpid", nr.getpid, [], "OK", "nobody");
  add("AF_INET", nr.socket, [2, 1, 0], "OK", "nobody");
  add("AF_INET6", nr.socket, [10, 2, 0], "OK", "nobody");
  add("route netlink", nr.socket, [16, 3, 0], "OK", "nobody");
  add("pair, stream", nr.socketpair, [1, 1, 0, "b:8"], "OK", "nobody");
  add("pair, packet, close-on-exec", nr.socketpair, [1, 0o2000005, 0, "b:8"], "OK", "nobody");
  add("pair, stream, close-on-exec", nr.socketpair, [1, 0o2004001, 0, "b:8"], "OK", "nobody");
  add("openat, creating 0644", nr.openat, [AT, PATH, 0o101, 0o644], "OK", "nobody");
  add("fchmodat 0755", nr.fchmodat, [AT, PATH, 0o755], "OK", "nobody");
  add("personality asked for", nr.personality, [0xffffffff], "OK", "nobody");
  return made;
}

const calls = rows();
const list = (of: Row[], programs: [string, string][] = []) =>
  [
    ...of.map(({ name, number, args }) => [name, number, args.join(" ")].join("\t")),
    ...programs.map(([name, path]) => [name, "run", path].join("\t")),
  ]
    .map((line) => `${line}\n`)
    .join("");
const parse = (text: string) =>
  Object.fromEntries(
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t") as [string, string]),
  );
const expected = (of: Row[]) => Object.fromEntries(of.map(({ name, answer }) => [name, answer]));

const PLAIN_UID = 54_321;
const identities =
  process.getuid!() === 0
    ? [
        { name: "root", uid: 0, as: [] as string[] },
        {
          name: "a plain user",
          uid: PLAIN_UID,
          as: ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"],
        },
      ]
    : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

// x32 calls, and i386's by interrupt and in a program of its own, are killed (SIGSYS, 31).
const foreign = arch === "x86_64" ? foreignPrograms() : {};
const x32: Row[] =
  arch === "x86_64"
    ? [39, 59, 520].map((number) => ({
        name: `x32 ${number}`,
        number: 0x40000000 + number,
        args: [0, 0, 0],
        answer: "SIG31",
        by: "base",
      }))
    : [];

let dir: string;
const program = (name: string) => join(dir, name);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "calls-"));
  chmodSync(dir, 0o755);
  for (const [name, bytes] of Object.entries(foreign)) writeFileSync(program(name), bytes, { mode: 0o755 });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

for (const { name, uid, as } of identities) {
  test.each(["strict", "hardened"])(`%s, launched by ${name}: every call gets its answer`, async (profile) => {
    await using bait = await layBait(uid);
    const put = (from: string, to: string) => {
      cpSync(from, join(bait.workspace, to));
      chownSync(join(bait.workspace, to), uid, uid);
    };
    put(join(import.meta.dir, "calls.pl"), "calls.pl");
    for (const file of Object.keys(foreign)) put(program(file), file);
    const programs = Object.keys(foreign).map((file): [string, string] => [file, join(bait.workspace, file)]);
    writeFileSync(join(bait.workspace, "calls"), list([...calls, ...x32], programs));
    const script = `export NR_getpid=${nr.getpid}; exec perl calls.pl calls`;
    const words = ["harness", "run", "--client", "exec", "--sandbox", profile, "--", "sh", "-c", script];
    const child = Bun.spawn([...as, LAUNCHER, ...words], {
      ...{ cwd: bait.workspace, env: bait.env, stdio: ["ignore", "pipe", "ignore"] },
    });
    expect(parse(await new Response(child.stdout).text())).toEqual({
      ...expected([...calls, ...x32]),
      ...Object.fromEntries(Object.keys(foreign).map((file) => [file, "SIG31"])),
    });
  });
}

test("--allow-unix opens AF_UNIX and nothing else, and the verdict and the audit say so", async () => {
  using bench = makeBench();
  cpSync(join(import.meta.dir, "calls.pl"), join(bench.workspace, "calls.pl"));
  writeFileSync(join(bench.workspace, "calls"), list(calls));
  const script = `export NR_getpid=${nr.getpid}; exec perl calls.pl calls`;
  const ran = await bench.broke(["harness", "run", "--client", "exec", "--allow-unix", "--", "sh", "-c", script]);
  const opened = calls.map((row): Row => {
    if (row.name === "pair of AF_INET") return { ...row, answer: "E97" };
    return row.by === "client" ? { ...row, answer: "OK" } : row;
  });
  expect(parse(ran.stdout)).toEqual(expected(opened));
  expect(ran.stderr).toContain("Unix sockets are open");
  const audit = JSON.parse((await bench.broke(["audit", "--json"])).stdout) as { start: { permissions: object } }[];
  expect(audit.at(-1)!.start.permissions).toMatchObject({ unix_sockets: "open" });
});

/** Runs the calls under bubblewrap without any right, and with this filter. */
async function underFilter(of: Row[], filter: Uint8Array | undefined): Promise<Record<string, string>> {
  const [calling, listed, seccomp] = ["calls.pl", "calls", "seccomp"].map(program) as [string, string, string];
  cpSync(join(import.meta.dir, "calls.pl"), calling);
  writeFileSync(
    listed,
    list(
      of,
      Object.keys(foreign).map((file): [string, string] => [file, program(file)]),
    ),
  );
  writeFileSync(seccomp, filter ?? "");
  const fd = openSync(seccomp, "r");
  try {
    const child = Bun.spawn(
      [
        ...["/usr/bin/bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"],
        ...["--ro-bind", dir, dir, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"],
        ...["--cap-drop", "ALL", "--new-session", "--die-with-parent"],
        ...(filter === undefined ? [] : ["--seccomp", "3"]),
        ...["--", "perl", calling, listed],
      ],
      { env: { PATH: "/usr/bin:/bin", NR_getpid: String(nr.getpid) }, stdio: ["ignore", "pipe", "inherit", fd] },
    );
    const answers = parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    return answers;
  } finally {
    closeSync(fd);
  }
}

const ERRNO = 0x00050000;
const FIRST_MARK = 1000;

describe("which line of a filter answered", () => {
  const programs = { base: baseFilter(arch, { profile: "strict" }), client: clientFilter(arch) };
  test.each(["base", "client"] as const)(
    "%s: each call is answered by a line of its own kind, and by ours alone",
    async (by) => {
      const code = decode(programs[by].bytes);
      const marked = encode(
        code.map((step, at) =>
          step.code === 6 && (step.k & 0xffff0000) === ERRNO ? { ...step, k: ERRNO | (FIRST_MARK + at) } : step,
        ),
      );
      const mine = calls.filter((row) => row.by === by);
      const told = await underFilter(mine, marked);
      // The interpreter says which line it must have been.
      const ask = loadFilter(marked);
      const number = (value: Argument) => (typeof value === "string" ? 4096 : value);
      const predicted = mine.map((row) => {
        const answer = ask({ nr: row.number, arch: audit[arch], args: row.args.map(number) });
        return [row.name, `E${answer & 0xffff}`] as const;
      });
      expect(mine.map(({ name }) => [name, told[name]!])).toEqual(predicted.map(([name, answer]) => [name, answer]));
      const lines = new Set(predicted.map(([, answer]) => Number(answer.slice(1)) - FIRST_MARK));
      expect([...lines].every((line) => line >= 0)).toBe(true);
      // No line of the filter is left that no call here has reached.
      const answering = code.flatMap((step, at) => (step.code === 6 && (step.k & 0xffff0000) === ERRNO ? [at] : []));
      expect(answering.filter((at) => !lines.has(at))).toEqual([]);
    },
  );
});

test("without a filter the calls that need no right get through, and foreign calls are not killed", async () => {
  const told = await underFilter([...calls, ...x32], undefined);
  const through = calls
    .filter(({ name, answer, by }) => by !== "nobody" && told[name] !== answer)
    .map(({ name }) => name);
  expect(through).toEqual(
    expect.arrayContaining([
      ...["process_vm_readv", "kcmp", "keyctl", "add_key", "unshare", "get_mempolicy", "memfd_secret"],
      ...["clone3", "ptrace", "AF_UNIX stream", "AF_UNIX datagram", "pair, datagram", "family 40"],
      ...[
        "fchmodat 4755",
        "fchmodat2 4755",
        "openat, creating 4755",
        "clone 0x10000000",
        "personality read implies exec",
      ],
    ]),
  );
  expect(through.length).toBeGreaterThan(90);
  for (const row of x32) expect(told[row.name]).not.toBe("SIG31");
  for (const file of Object.keys(foreign)) expect(told[file]).not.toBe("SIG31");
});
