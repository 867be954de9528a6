// What resolving costs with 40 keys, 12 slots and 100 backends, all healthy, some of it failing, and under every policy: `bun test/bench/routing/resolve.ts`.
// And what `broke route sonnet` takes from the shell, cold.

import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { big, failing, timeOf } from "#test/bench/routing/scene.ts";
import { policyModes } from "#src/routing/policy.ts";

const row = (name: string, micros: number) => process.stdout.write(`${name.padEnd(34)} ${micros.toFixed(2)} µs\n`);
row("no policy, healthy", timeOf(big(undefined)));
row("no policy, 20 entries held", timeOf(big(undefined), failing));
for (const mode of policyModes) row(`${mode}, healthy`, timeOf(big(mode)));
for (const mode of policyModes) row(`${mode}, 20 entries held`, timeOf(big(mode), failing));

using bench = makeBench();
await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
const times: number[] = [];
for (let at = 0; at < 20; at++) {
  const from = performance.now();
  const child = Bun.spawn([LAUNCHER, "route", "sonnet"], { env: bench.env, stdio: ["ignore", "ignore", "ignore"] });
  await child.exited;
  times.push(performance.now() - from);
}
times.sort((a, b) => a - b);
process.stdout.write(
  `broke route sonnet                 median ${times[10]!.toFixed(1)} ms, fastest ${times[0]!.toFixed(1)} ms\n`,
);
