// Where a group that counts processes can be made, and that one made there holds what is started in it.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { dropProcessGroup, makeProcessGroup, pidsHierarchies } from "#sandbox/cgroup.ts";

describe("/proc/self/cgroup", () => {
  const cases: [string, string[], string[]][] = [
    [
      "v2 alone",
      ["0::/user.slice/user-1000.slice/session-2.scope"],
      ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope"],
    ],
    ["v2 in a container", ["0::/"], ["/sys/fs/cgroup/"]],
    [
      "v1 alone",
      ["4:memory:/user.slice", "3:cpu,cpuacct:/", "2:pids:/user.slice/session-2.scope", "1:name=systemd:/x"],
      ["/sys/fs/cgroup/pids/user.slice/session-2.scope"],
    ],
    [
      "both, with the controller in v1",
      ["9:name=systemd:/", "8:pids:/a", "1:cpu:/", "0::/b"],
      ["/sys/fs/cgroup/pids/a", "/sys/fs/cgroup/b"],
    ],
    ["both, without the controller in v1", ["1:name=systemd:/", "0::/b"], ["/sys/fs/cgroup/b"]],
    [
      "a colon in a name",
      ["2:pids:/docker/sha256:abc", "0::/c:d"],
      ["/sys/fs/cgroup/pids/docker/sha256:abc", "/sys/fs/cgroup/c:d"],
    ],
    ["a name that only looks like it", ["3:name=pids:/x", "2:rdma,xpids:/y"], []],
    ["nothing", [], []],
  ];
  for (const [name, lines, folders] of cases) {
    test(name, () => expect(pidsHierarchies(lines.map((line) => `${line}\n`).join(""))).toEqual(folders));
  }
});

const parents = pidsHierarchies(readFileSync("/proc/self/cgroup", "utf8"));
const name = (part: string) => `test_${process.pid}_${part}`;

/** Whether a group with the controller can be made on this machine, tried by hand. */
function canDivide(): boolean {
  return parents.some((parent) => {
    const folder = join(parent, `broke-${name("try")}`);
    try {
      mkdirSync(folder);
    } catch {
      return false;
    }
    const counts = existsSync(join(folder, "pids.max"));
    rmdirSync(folder);
    return counts;
  });
}

const here = canDivide();
const found = (run: string) => parents.map((parent) => join(parent, `broke-${run}`)).filter((path) => existsSync(path));

/** Starts sh on a script through the group's prefix. */
function start(prefix: string[], script: string, ...args: string[]) {
  return Bun.spawn([...prefix, "/bin/sh", "-c", script, "sh", ...args], { env: {}, stdio: ["pipe", "pipe", "ignore"] });
}

describe("a run's group", () => {
  test.skipIf(!here)(
    "holds what is started in it, up to its size (needs a pids controller we may divide)",
    async () => {
      const run = name("holds");
      const group = makeProcessGroup(run, 3)!;
      try {
        const [folder] = found(run);
        expect(group.prefix.at(-1)).toBe(join(folder!, "cgroup.procs"));
        expect(readFileSync(join(folder!, "pids.max"), "utf8")).toBe("3\n");
        // Two readers beside the shell are the three; a fourth cannot be made.
        const child = start(
          group.prefix,
          'exec 3<&0; grep -o "/broke-.*" /proc/self/cgroup; cat <&3 & cat <&3 & (echo fourth)',
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
    const group = makeProcessGroup(name("words"), 20)!;
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
      const group = makeProcessGroup(run, 5)!;
      await group.remove();
      await group.remove();
      expect(found(run)).toEqual([]);
    },
  );

  test.skipIf(!here)("cannot be made twice under one name (needs a pids controller we may divide)", async () => {
    const run = name("once");
    const group = makeProcessGroup(run, 5)!;
    try {
      const second = makeProcessGroup(run, 5);
      expect([second, found(run).length]).toEqual([undefined, 1]);
    } finally {
      await group.remove();
    }
  });

  test.skipIf(!here)(
    "left behind by a killed supervisor, is dropped unless in use (needs a pids controller we may divide)",
    async () => {
      const run = name("dropped");
      const group = makeProcessGroup(run, 5)!;
      const child = start(group.prefix, "echo in; read line");
      const reader = child.stdout.getReader();
      await reader.read();
      dropProcessGroup(run);
      expect(found(run).length).toBe(1);
      child.stdin.end();
      await child.exited;
      for (let tries = 0; tries < 100 && found(run).length > 0; tries++) {
        dropProcessGroup(run);
        await Bun.sleep(10);
      }
      expect(found(run)).toEqual([]);
      dropProcessGroup(run);
    },
  );

  test("where no group of that name can be made there is none, and nothing is left", () => {
    const run = `${name("no")}/such/folder`;
    expect(makeProcessGroup(run, 5)).toBeUndefined();
    dropProcessGroup(run);
    expect(found(run)).toEqual([]);
  });
});
