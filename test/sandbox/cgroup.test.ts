// Where a group can be made that holds a run, and that one made there holds what is started in it and counts what it used.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { dropLimitGroup, type GroupLimits, groupHomes, type Homes, makeLimitGroup } from "#sandbox/cgroup.ts";

describe("/proc/self/cgroup", () => {
  const at = (path: string) => `/sys/fs/cgroup${path}`;
  const cases: [string, string[], Homes][] = [
    [
      "v2 alone: its own group, then beside it",
      ["0::/user.slice/user-1000.slice/session-2.scope"],
      { v2: [at("/user.slice/user-1000.slice/session-2.scope"), at("/user.slice/user-1000.slice")], v1: [] },
    ],
    ["v2 in a container", ["0::/"], { v2: [at("/")], v1: [] }],
    [
      "v1 alone, two controllers in one hierarchy",
      ["4:memory:/user.slice", "3:cpu,cpuacct:/", "2:pids:/user.slice/session-2.scope", "1:name=systemd:/x"],
      {
        v2: [],
        v1: [
          { controllers: ["memory"], parent: at("/memory/user.slice") },
          { controllers: ["cpu", "cpuacct"], parent: at("/cpu/") },
          { controllers: ["pids"], parent: at("/pids/user.slice/session-2.scope") },
        ],
      },
    ],
    [
      "both, with a controller in v1",
      ["9:name=systemd:/", "8:pids:/a", "1:freezer:/", "0::/b"],
      { v2: [at("/b"), at("/")], v1: [{ controllers: ["pids"], parent: at("/pids/a") }] },
    ],
    [
      "a colon in a name",
      ["2:pids:/docker/sha256:abc", "0::/c:d"],
      { v2: [at("/c:d"), at("/")], v1: [{ controllers: ["pids"], parent: at("/pids/docker/sha256:abc") }] },
    ],
    ["a name that only looks like it", ["3:name=pids:/x", "2:rdma,xpids:/y"], { v2: [], v1: [] }],
    ["nothing", [], { v2: [], v1: [] }],
  ];
  for (const [name, lines, homes] of cases) {
    test(name, () => expect(groupHomes(lines.map((line) => `${line}\n`).join(""))).toEqual(homes));
  }
});

const homes = groupHomes(readFileSync("/proc/self/cgroup", "utf8"));
const parents = [...homes.v2, ...homes.v1.map(({ parent }) => parent)];
const name = (part: string) => `test_${process.pid}_${part}`;

/** Whether a group with this file can be made on this machine, tried by hand. */
function canDivide(...files: string[]): boolean {
  return parents.some((parent) => {
    const folder = join(parent, `broke-${name("try")}`);
    try {
      mkdirSync(folder);
    } catch {
      return false;
    }
    const counts = files.some((file) => existsSync(join(folder, file)));
    rmdirSync(folder);
    return counts;
  });
}

const here = canDivide("pids.max");
const found = (run: string) => parents.map((parent) => join(parent, `broke-${run}`)).filter((path) => existsSync(path));
const upTo = (processes: number): GroupLimits => ({ processes, memoryBytes: null, cpus: null });

/** Starts sh on a script through the group's prefix. */
function start(prefix: string[], script: string, ...args: string[]) {
  return Bun.spawn([...prefix, "/bin/sh", "-c", script, "sh", ...args], { env: {}, stdio: ["pipe", "pipe", "ignore"] });
}

describe("a run's group", () => {
  test.skipIf(!here)(
    "holds what is started in it, up to its size (needs a pids controller we may divide)",
    async () => {
      const run = name("holds");
      const group = makeLimitGroup(run, upTo(3))!;
      try {
        const folder = found(run).find((path) => existsSync(join(path, "pids.max")))!;
        expect(group.prefix).toContain(join(folder, "cgroup.procs"));
        expect(readFileSync(join(folder, "pids.max"), "utf8")).toBe("3\n");
        expect([...group.holds]).toContain("processes");
        // Two readers beside the shell are the three; a fourth cannot be made.
        const child = start(
          group.prefix,
          'exec 3<&0; grep -m1 -o "/broke-.*" /proc/self/cgroup; cat <&3 & cat <&3 & (echo fourth)',
        );
        await child.exited;
        child.stdin.end();
        expect(await new Response(child.stdout).text()).toBe(`/broke-${run}\n`);
      } finally {
        await group.remove();
      }
      expect(found(run)).toEqual([]);
    },
  );

  test.skipIf(!here)("takes the words after it as they are (needs a pids controller we may divide)", async () => {
    const group = makeLimitGroup(name("words"), upTo(20))!;
    try {
      const child = start(group.prefix, 'printf "%s|" "$@"', "a b", "$(x)", "", "'", "-c");
      expect([await new Response(child.stdout).text(), await child.exited]).toEqual(["a b|$(x)||'|-c|", 0]);
    } finally {
      await group.remove();
    }
  });

  test.skipIf(!here)(
    "is removed once, and removing it again does nothing (needs a pids controller we may divide)",
    async () => {
      const run = name("twice");
      const group = makeLimitGroup(run, upTo(5))!;
      await group.remove();
      await group.remove();
      expect(found(run)).toEqual([]);
    },
  );

  test.skipIf(!here)(
    "lets go of who is spared, and keeps what it started (needs a pids controller we may divide)",
    async () => {
      const run = name("spared");
      const group = makeLimitGroup(run, upTo(20))!;
      try {
        const child = start(group.prefix, "sleep 1000 & echo $!; read line; kill $!");
        const reader = child.stdout.getReader();
        const inner = Number(new TextDecoder().decode((await reader.read()).value));
        const isIn = (pid: number) => readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/broke-${run}\n`);
        expect([isIn(child.pid), isIn(inner)]).toEqual([true, true]);
        group.spare([child.pid]);
        expect([isIn(child.pid), isIn(inner)]).toEqual([false, true]);
        group.spare([2 ** 22 + 1]);
        child.stdin.write("\n");
        child.stdin.end();
        await child.exited;
      } finally {
        await group.remove();
      }
      expect(found(run)).toEqual([]);
    },
  );

  test.skipIf(!here)("cannot be made twice under one name (needs a pids controller we may divide)", async () => {
    const run = name("once");
    const group = makeLimitGroup(run, upTo(5))!;
    try {
      const second = makeLimitGroup(run, upTo(5));
      expect(second).toBeUndefined();
      expect(found(run).length).toBeGreaterThan(0);
    } finally {
      await group.remove();
    }
  });

  test.skipIf(!here)(
    "left behind by a killed supervisor, is dropped unless in use (needs a pids controller we may divide)",
    async () => {
      const run = name("dropped");
      const group = makeLimitGroup(run, upTo(5))!;
      const child = start(group.prefix, "echo in; read line");
      const reader = child.stdout.getReader();
      await reader.read();
      dropLimitGroup(run);
      expect(found(run).length).toBeGreaterThan(0);
      child.stdin.end();
      await child.exited;
      for (let tries = 0; tries < 100 && found(run).length > 0; tries++) {
        dropLimitGroup(run);
        await Bun.sleep(10);
      }
      expect(found(run)).toEqual([]);
      dropLimitGroup(run);
    },
  );

  test("where no group of that name can be made there is none, and nothing is left", () => {
    const run = `${name("no")}/such/folder`;
    expect(makeLimitGroup(run, upTo(5))).toBeUndefined();
    dropLimitGroup(run);
    expect(found(run)).toEqual([]);
  });

  test.skipIf(!canDivide("memory.max", "memory.limit_in_bytes"))(
    "kills what takes more memory than it holds, and counts it (needs a memory controller we may divide)",
    async () => {
      const limits = { processes: null, memoryBytes: 64 * 1024 ** 2, cpus: null };
      const group = makeLimitGroup(name("memory"), limits)!;
      try {
        const child = start(group.prefix, "perl -e '$x = \"a\" x 200_000_000; sleep 1' & wait $!; echo survived");
        await child.exited;
        const { memoryKills, peakMemoryBytes } = group.read();
        expect([[...group.holds].includes("memory"), memoryKills > 0]).toEqual([true, true]);
        expect(peakMemoryBytes).toBeGreaterThan(32 * 1024 ** 2);
        expect(peakMemoryBytes).toBeLessThanOrEqual(limits.memoryBytes);
      } finally {
        await group.remove();
      }
    },
  );

  test.skipIf(!canDivide("cpu.max", "cpu.cfs_quota_us"))(
    "gives no more processor than it holds, and counts it (needs a cpu controller we may divide)",
    async () => {
      const group = makeLimitGroup(name("cpu"), { processes: null, memoryBytes: null, cpus: 0.2 })!;
      try {
        const begun = performance.now();
        const child = start(group.prefix, "timeout 1 sh -c 'while :; do :; done'");
        await child.exited;
        const { cpuMs } = group.read();
        expect(cpuMs).toBeGreaterThan(50);
        expect(cpuMs).toBeLessThan((performance.now() - begun) * 0.5);
      } finally {
        await group.remove();
      }
    },
  );

  test("nothing to hold: no group", () => {
    const run = name("nothing");
    expect(makeLimitGroup(run, { processes: null, memoryBytes: null, cpus: null })).toBeUndefined();
    expect(found(run)).toEqual([]);
  });
});
