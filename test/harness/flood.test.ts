// A worker that starts programs as fast as it can: the supervisor's memory and the ledger stay bounded, and the verdict says what is missing.

import { expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { budgets } from "#harness/budget.ts";
import { LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

const MIB = 1024 ** 2;
const ARGUMENT_BYTES = 15_000;
const EXECS = Math.ceil((budgets.commands / ARGUMENT_BYTES) * 1.1);
const FAMILY = 8;

const flood = `my $arg = "x" x ${ARGUMENT_BYTES}; my @family;
for (1 .. ${FAMILY}) {
  my $parent = fork; push(@family, $parent), next if $parent;
  for (1 .. ${Math.ceil(EXECS / FAMILY)}) { my $child = fork; exec "/bin/true", $arg unless $child; waitpid $child, 0 }
  exit;
}
waitpid $_, 0 for @family;
`;

function peakMemory(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // gone
  }
}

test("is held back, recorded up to a limit, and then counted", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "flood.pl"), flood);
  const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "perl", "flood.pl"], {
    ...{ cwd: bench.workspace, env: bench.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, peakMemory(child.pid))), 20);
  const stderr = await new Response(child.stderr).text();
  const code = await child.exited;
  clearInterval(watch);
  expect({ code, told: /broke: \d+ commands and 0 requests were too many to record/.test(stderr) }).toEqual({
    ...{ code: 0, told: true },
  });
  expect(stderr).toContain("ACCEPT_WITH_WARNINGS");
  const id = runIdOf({ code, stdout: "", stderr });
  expect(statSync(join(bench.home, "runs", id, "ledger.jsonl")).size).toBeLessThan(budgets.commands * 1.1 + MIB);
  expect(peak).toBeLessThan(256 * MIB);
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
});
