// What watching a run's limits costs: processor time of a process that does nothing else, over some seconds, with few and many processes to look at.
// `bun test/bench/watch.ts [seconds]`

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeLimitGroup } from "#sandbox/cgroup.ts";
import { measureFolders, watchGrowth } from "#sandbox/growth.ts";
import { limitsOf } from "#sandbox/limits.ts";
import { watchLimits } from "#sandbox/watch.ts";

const seconds = Number(process.argv[2] ?? 20);
const limits = limitsOf("strict", {}, { memoryBytes: 64 * 1024 ** 3, terminal: false });
const folder = mkdtempSync(join(tmpdir(), "broke-watch-"));

async function measure(processes: number, grouped: boolean): Promise<string> {
  const group = grouped ? makeLimitGroup(`bench_${process.pid}_${processes}`, limits) : undefined;
  const child = Bun.spawn(
    [...(group?.prefix ?? []), "/bin/sh", "-c", `for i in $(seq ${processes}); do sleep 1000 & done; wait`],
    { env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", "ignore", "ignore"], detached: true },
  );
  await Bun.sleep(500);
  const growth = watchGrowth([folder], await measureFolders([folder]), limits.growthBytes ?? 0);
  const before = process.cpuUsage();
  const watch = watchLimits({
    limits,
    root: child.pid,
    ended: child.exited,
    group,
    growth,
    quietMs: () => 0,
    ownTmp: true,
    onReached() {},
  });
  await Bun.sleep(seconds * 1000);
  watch[Symbol.dispose]();
  const { user, system } = process.cpuUsage(before);
  process.kill(-child.pid, "SIGKILL");
  await child.exited;
  await group?.remove();
  const part = ((user + system) / (seconds * 1e6)) * 100;
  return `${String(processes).padStart(4)} processes, ${group === undefined ? "sampled" : "cgroup "}: ${part.toFixed(2)} % of a processor`;
}

const start = process.cpuUsage();
const idle = setInterval(() => {}, 100);
await Bun.sleep(seconds * 1000);
clearInterval(idle);
const { user, system } = process.cpuUsage(start);
process.stdout.write(`a timer alone: ${(((user + system) / (seconds * 1e6)) * 100).toFixed(2)} % of a processor\n`);
for (const processes of [1, 20, 200]) {
  for (const grouped of [false, true]) process.stdout.write(`${await measure(processes, grouped)}\n`);
}
rmSync(folder, { recursive: true, force: true });
