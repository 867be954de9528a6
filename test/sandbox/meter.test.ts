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
  let root: Bun.Subprocess<"ignore", "pipe", "ignore">;
  beforeAll(async () => {
    const script = `
      exec 3>${join(folder, "gone")}; rm ${join(folder, "gone")}; head -c 3000000 /dev/zero >&3
      perl -e '$x = "a" x ${40 * MIB}; $| = 1; print "up\\n"; sleep 1000' &
      (sleep 1000 & sleep 1000 & wait) &
      wait`;
    root = Bun.spawn(["setsid", "/bin/sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    await readFrom(root.stdout).until("up");
  });
  afterAll(async () => {
    process.kill(-root.pid, "SIGKILL");
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
    expect(await measureFolders([root])).toEqual({ bytes: 0, unreadable: 0 });
    writeFileSync(join(root, "file"), Buffer.alloc(MIB, 1));
    const { bytes: one } = await measureFolders([root]);
    expect(one).toBeGreaterThanOrEqual(MIB);
    expect(one).toBeLessThan(MIB + 16 * 1024);
    symlinkSync("/usr", join(root, "link"));
    for (let index = 0; index < 100; index++) writeFileSync(join(root, `empty-${index}`), "");
    const more = (await measureFolders([root])).bytes - one;
    expect(more).toBeGreaterThanOrEqual(101 * 1024);
    expect(more).toBeLessThan(110 * 1024);
    expect(await measureFolders([join(root, "none"), join(root, "file"), root])).toEqual({
      bytes: one + more,
      unreadable: 0,
    });
  });

  test("is due when the file system lost what may still be taken, and not before", async () => {
    const root = at("due");
    let free = 1000 * MIB;
    const growth = watchGrowth([root], await measureFolders([root]), 64 * MIB, { askFree: () => free });
    const dueAt = (left: number) => {
      free = left;
      return growth.due();
    };
    expect([dueAt(1000 * MIB), dueAt(2000 * MIB), dueAt(937 * MIB), dueAt(936 * MIB)]).toEqual([
      ...[false, false, false, true],
    ]);
    writeFileSync(join(root, "a"), Buffer.alloc(50 * MIB, 1));
    const grown = await growth.measure([]);
    expect(grown).toBeGreaterThan(50 * MIB);
    // 14 MiB are left of the limit.
    expect([dueAt(936 * MIB), dueAt(923 * MIB), dueAt(922 * MIB)]).toEqual([false, false, true]);
    writeFileSync(join(root, "b"), Buffer.alloc(13 * MIB, 1));
    await growth.measure([]);
    // Near the limit: not for every block, but for a twentieth of it.
    expect([dueAt(920 * MIB), dueAt(918 * MIB)]).toEqual([false, true]);
    unlinkSync(join(root, "a"));
    unlinkSync(join(root, "b"));
    expect(await growth.measure([])).toBe(0);
    expect(watchGrowth([root], { bytes: 0, unreadable: 0 }, null, { askFree: () => -free }).due()).toBe(false);
  });

  test("where others give back what is taken, it is found out all the same", async () => {
    const root = at("given-back");
    let nowMs = 0;
    const growth = watchGrowth([root], await measureFolders([root]), 64 * MIB, {
      askFree: () => 1000 * MIB,
      nowMs: () => nowMs,
    });
    const dueAt = (ms: number) => {
      nowMs = ms;
      return growth.due();
    };
    expect([dueAt(9_999), dueAt(10_000)]).toEqual([false, true]);
    writeFileSync(join(root, "a"), Buffer.alloc(2 * MIB, 1));
    expect(await growth.measure([])).toBeGreaterThan(2 * MIB - 1);
    expect([dueAt(19_999), dueAt(20_000)]).toEqual([false, true]);
  });

  test("a walk that takes long comes rarely", async () => {
    const root = at("slow");
    let nowMs = 0;
    const growth = watchGrowth([root], await measureFolders([root]), 64 * MIB, {
      askFree: () => 1000 * MIB,
      nowMs: () => (nowMs += 100),
    });
    await growth.measure([]);
    // It took 100 ms or 200: no sooner than 20 s after it.
    const from = nowMs;
    while (!growth.due());
    expect(nowMs - from).toBeGreaterThanOrEqual(20_000);
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

  test("what is hidden under a path too long to name is what the file system lost; what was hidden before is nobody's", async () => {
    const root = at("deep");
    const script =
      'for (1..300) { mkdir "a" x 20; chdir "a" x 20 or die } open $f, ">", "big"; print $f "x" x 9_000_000';
    let free = 100 * MIB;
    const growth = watchGrowth([root], await measureFolders([root]), MIB, { askFree: () => free });
    const made = Bun.spawnSync(["perl", "-e", script], { cwd: root, env: { PATH: "/usr/bin:/bin" } });
    expect(made.exitCode).toBe(0);
    free -= 9_000_000;
    expect(await growth.measure([])).toBe(9_000_000);
    const now = await measureFolders([root]);
    expect(now.unreadable).toBeGreaterThan(0);
    const later = watchGrowth([root], now, MIB, { askFree: () => free });
    free -= 9_000_000;
    expect(later.grown(now)).toBe(0);
    Bun.spawnSync(["rm", "-rf", root]);
  });

  test("a file with two names counts once", async () => {
    const root = at("linked");
    writeFileSync(join(root, "file"), Buffer.alloc(MIB, 1));
    const { bytes: one } = await measureFolders([root]);
    linkSync(join(root, "file"), join(root, "again"));
    expect((await measureFolders([root])).bytes).toBe(one + 1024);
  });
});
