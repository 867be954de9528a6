// What processes use, added up from /proc; how folders grow, and when it is worth a look.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureFolders, watchGrowth } from "#sandbox/growth.ts";
import { availableMemory, canReadTree, deletedBytes, proportionalMemory, readTree } from "#sandbox/meter.ts";
import { readFrom } from "#test/support/reading.ts";

const MIB = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), "broke-meter-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a tree of processes", () => {
  let root: Bun.Subprocess<"pipe", "pipe", "ignore">;
  beforeAll(async () => {
    const script = `
      exec 3>${join(folder, "gone")}; rm ${join(folder, "gone")}; head -c 3000000 /dev/zero >&3
      perl -e '$x = "a" x ${40 * MIB}; print "up\\n"; $| = 1; print ""; <STDIN>' <&0 &
      (sleep 1000 & sleep 1000 & wait) &
      wait %1; kill 0`;
    root = Bun.spawn(["setsid", "/bin/sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin" },
      stdio: ["pipe", "pipe", "ignore"],
    });
    await readFrom(root.stdout).until("up");
  });
  afterAll(async () => {
    root.stdin.end();
    await root.exited;
  });

  test("all of it counts, wherever it hangs", async () => {
    while (readTree(root.pid).processes < 5) await Bun.sleep(5);
    const { pids, memoryBytes, processes } = readTree(root.pid);
    expect([pids.includes(root.pid), pids.length, processes]).toEqual([true, 5, 5]);
    expect(memoryBytes).toBeGreaterThan(40 * MIB);
    expect(memoryBytes).toBeLessThan(200 * MIB);
    const shared = proportionalMemory(pids);
    expect(shared).toBeGreaterThan(40 * MIB);
    expect(shared).toBeLessThanOrEqual(memoryBytes);
  });

  test("files it holds that have no name any more, each once", async () => {
    const { pids } = readTree(root.pid);
    const device = (await Bun.file(folder).stat()).dev;
    const size = deletedBytes(pids, new Set([device]));
    expect(size).toBeGreaterThanOrEqual(3_000_000);
    expect(size).toBeLessThan(3_100_000);
    expect(deletedBytes(pids, new Set([device + 1]))).toBe(0);
  });
});

test("threads and processor time of this process, which has several and has worked", () => {
  const { pids, processes, cpuMs } = readTree(process.pid);
  expect(pids[0]).toBe(process.pid);
  expect([processes > 1, cpuMs > 0, canReadTree(), availableMemory() > 0]).toEqual([true, true, true, true]);
});

test("a process that is gone counts nothing", async () => {
  const child = Bun.spawn(["/bin/true"]);
  await child.exited;
  const nothing = { pids: [], memoryBytes: 0, processes: 0, cpuMs: 0 };
  expect([readTree(child.pid), proportionalMemory([child.pid]), deletedBytes([child.pid], new Set())]).toEqual([
    nothing,
    0,
    0,
  ]);
});

describe("growth", () => {
  const at = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };

  test("what entries take, links and sparse files as little as they do", async () => {
    const root = at("measure");
    expect(await measureFolders([root])).toBe(0);
    writeFileSync(join(root, "file"), Buffer.alloc(MIB, 1));
    const one = await measureFolders([root]);
    expect(one).toBeGreaterThanOrEqual(MIB);
    expect(one).toBeLessThan(MIB + 16 * 1024);
    symlinkSync("/usr", join(root, "link"));
    for (let index = 0; index < 100; index++) writeFileSync(join(root, `empty-${index}`), "");
    const more = (await measureFolders([root])) - one;
    expect(more).toBeGreaterThanOrEqual(101 * 1024);
    expect(more).toBeLessThan(110 * 1024);
    expect(await measureFolders([join(root, "none"), root])).toBe(one + more);
  });

  test("is due when the file system lost what may still be taken, and not before", async () => {
    const root = at("due");
    const growth = watchGrowth([root], await measureFolders([root]), 64 * MIB);
    expect(growth.due()).toBe(false);
    writeFileSync(join(root, "a"), Buffer.alloc(80 * MIB, 1));
    while (!growth.due()) await Bun.sleep(20); // ext4 gives blocks when it writes back
    expect(await growth.measure([])).toBeGreaterThan(80 * MIB);
    expect(growth.due()).toBe(false);
    unlinkSync(join(root, "a"));
    expect(await growth.measure([])).toBe(0);
  });

  test("counts what has no name any more, and nothing that was there before", async () => {
    const root = at("hidden");
    writeFileSync(join(root, "old"), Buffer.alloc(5 * MIB, 1));
    const growth = watchGrowth([root], await measureFolders([root]), 64 * MIB);
    const hidden = Bun.file(join(root, "new"));
    writeFileSync(join(root, "new"), "");
    const child = Bun.spawn(
      ["/bin/sh", "-c", 'exec 3>"$0"; rm "$0"; head -c 7000000 /dev/zero >&3; echo up; read x', hidden.name!],
      {
        env: { PATH: "/usr/bin:/bin" },
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    await readFrom(child.stdout).until("up");
    const grown = await growth.measure([child.pid]);
    child.stdin.end();
    await child.exited;
    expect(grown).toBeGreaterThanOrEqual(7_000_000);
    expect(grown).toBeLessThan(7_200_000);
  });

  test("a file with two names counts once", async () => {
    const root = at("linked");
    writeFileSync(join(root, "file"), Buffer.alloc(MIB, 1));
    const one = await measureFolders([root]);
    linkSync(join(root, "file"), join(root, "again"));
    expect(await measureFolders([root])).toBe(one + 1024);
  });
});
