// What the sandbox costs: starting one, each program started in one, a real build in one, and a tool called by its shim; side by side, in turns, in
// one run. Wall and processor time, medians. Usage: bun test/bench/sandbox/overhead.ts [samples]

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench, ROOT } from "#test/support/broke.ts";
import { openChain } from "./ours.ts";
import { peers } from "./peers.ts";
import { makeLibrary, makeNpmProject, makeSmallFiles, SMALL_FILES } from "./projects.ts";

const samples = Number(process.argv[2] ?? 15);
const EXECS = 2000;
const SHIM_CALLS = 200;

type Taken = { wallMs: number; cpuMs: number };
type Way = { name: string; run(): Promise<Taken> };

const dir = mkdtempSync("/var/tmp/broke-bench-");
using bench = makeBench("/var/tmp");

/** Start to end, with the processor time of all that was waited for in it. */
async function spawned(argv: string[], cwd: string, env: Record<string, string>): Promise<Taken> {
  const started = performance.now();
  const child = Bun.spawn(argv, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  const err = await new Response(child.stderr).text();
  const code = await child.exited;
  const wallMs = performance.now() - started;
  if (code !== 0) throw new Error(`${argv.join(" ")} exited with ${code}: ${err}`);
  return { wallMs, cpuMs: Number(child.resourceUsage()!.cpuTime.total) / 1000 };
}

/** In this process, whose own processor time counts and whose children's the system adds when they are waited for. */
async function inProcess(run: () => Promise<unknown>): Promise<Taken> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await run();
  const used = process.cpuUsage(before);
  return { wallMs: performance.now() - started, cpuMs: (used.user + used.system) / 1000 };
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function measure(title: string, ways: Way[], rounds: number): Promise<Map<string, Taken>> {
  const taken = new Map<string, Taken[]>(ways.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, run } of ways) {
      const one = await run();
      if (round >= 0) taken.get(name)!.push(one);
    }
  }
  const middles = new Map(
    [...taken].map(([name, list]) => [
      name,
      { wallMs: median(list.map((one) => one.wallMs)), cpuMs: median(list.map((one) => one.cpuMs)) },
    ]),
  );
  const lines = [...middles].map(
    ([name, { wallMs, cpuMs }]) => `| ${name} | ${wallMs.toFixed(1)} | ${cpuMs.toFixed(1)} |`,
  );
  process.stdout.write(
    `${title} (${rounds} times each, in turns)\n\n| | wall ms | cpu ms |\n| --- | --- | --- |\n${lines.join("\n")}\n\n`,
  );
  return middles;
}

const bwrapWith = (mounts: number, workspace: string) => {
  const shown = [
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
  ];
  const more = Array.from({ length: mounts - 4 }, (_, at) => ["--ro-bind", "/etc/hostname", `/etc/file-${at}`]).flat();
  const spaces = [
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--cap-drop",
    "ALL",
    "--new-session",
    "--die-with-parent",
  ];
  return [
    "/usr/bin/bwrap",
    ...spaces,
    ...shown,
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...more,
    "--bind",
    workspace,
    workspace,
    "--chdir",
    workspace,
    "--",
  ];
};

const env = bench.env;
const inBroke = (command: string[]) => [LAUNCHER, "sandbox", "run", "--", ...command];
await using chain = openChain(dir);
const others = peers(process.getuid!());

const chainWay = (name: string, argv: string[], observed = true): Way => ({
  name,
  run: () => inProcess(() => chain.run(chain.plan(argv, { observed }))),
});

const start = await measure(
  "Starting true",
  [
    { name: "plain", run: () => spawned(["/usr/bin/true"], dir, env) },
    { name: "bwrap, 75 mounts", run: () => spawned([...bwrapWith(75, chain.workspace), "/usr/bin/true"], dir, env) },
    chainWay("ours strict, the chain alone", ["/usr/bin/true"]),
    { name: "ours strict, broke sandbox run", run: () => spawned(inBroke(["true"]), bench.workspace, env) },
    ...others.map((peer) => ({
      name: peer.name,
      run: () => spawned(peer.argv(["true"]), bench.workspace, { ...env, ...peer.env }),
    })),
  ],
  samples,
);

const loop = ["/bin/sh", "-c", `i=0; while [ $i -lt ${EXECS} ]; do /usr/bin/true; i=$((i+1)); done`];
const execs = await measure(
  `${EXECS} programs started in it`,
  [chainWay("not observed", loop, false), chainWay("observed", loop)],
  Math.ceil(samples / 3),
);

const folder = bench.workspace;
const [small, npm] = [makeSmallFiles(folder), makeNpmProject(folder)];
const copies = join(chain.workspace, "w");
Bun.spawnSync(["cp", "-a", folder, copies]);
const library = makeLibrary(chain.workspace);
const rounds = Math.ceil(samples / 5);
const sh = (at: string, line: string) => ["/bin/sh", "-ec", `cd ${at}; ${line}`];
const remake = "rm -rf build; make -s -j2 >/dev/null";
const built = await measure(
  `make of libgit2, 216 C files`,
  [
    chainWay("not observed", sh(library, "make -s clean; make -s -j2 >/dev/null 2>&1"), false),
    chainWay("observed", sh(library, "make -s clean; make -s -j2 >/dev/null 2>&1")),
  ],
  rounds,
);
const smallBuilt = await measure(
  `make of ${SMALL_FILES} C files of three lines`,
  [
    { name: "plain", run: () => spawned(sh(small, remake), dir, env) },
    chainWay("not observed", sh(join(copies, "small"), remake), false),
    chainWay("observed", sh(join(copies, "small"), remake)),
    { name: "ours strict, broke sandbox run", run: () => spawned(inBroke(sh(small, remake)), bench.workspace, env) },
  ],
  rounds,
);
const ci = "npm ci --offline --no-audit --no-fund --cache ./cache >/dev/null 2>&1";
const installed = await measure(
  "npm ci, offline, from a cache",
  [
    { name: "plain", run: () => spawned(sh(npm, ci), dir, env) },
    chainWay("not observed", sh(join(copies, "npm"), ci), false),
    chainWay("observed", sh(join(copies, "npm"), ci)),
  ],
  rounds,
);

/** Milliseconds a call, by its path and by its shim, both timed inside one run. */
async function shimCost(): Promise<number> {
  const times = `t() { s=$(date +%s%N); i=0; while [ $i -lt ${SHIM_CALLS} ]; do "$1" --version >/dev/null; i=$((i+1)); done; e=$(date +%s%N); echo $((e-s)); }`;
  const child = Bun.spawn(
    inBroke(["sh", "-c", `${times}; t /usr/bin/git; t /run/broke/shims/git; t /usr/bin/git; t /run/broke/shims/git`]),
    {
      ...{ cwd: bench.workspace, env, stdio: ["ignore", "pipe", "ignore"] as ["ignore", "pipe", "ignore"] },
    },
  );
  const [direct, shim, direct2, shim2] = (await new Response(child.stdout).text()).trim().split("\n").map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return (Math.min(shim, shim2) - Math.min(direct, direct2)) / SHIM_CALLS / 1e6;
}
const shims: number[] = [];
for (let round = 0; round < rounds; round++) shims.push(await shimCost());

const wall = (of: Map<string, Taken>, name: string) => of.get(name)!.wallMs;
const share = (of: Map<string, Taken>) => (wall(of, "observed") / wall(of, "not observed") - 1) * 100;
const bare = wall(start, "bwrap, 75 mounts");
const goals: [string, number, string, boolean][] = [
  [
    "chain over bwrap with 75 mounts",
    wall(start, "ours strict, the chain alone") - bare,
    "ms, at most 60",
    wall(start, "ours strict, the chain alone") - bare <= 60,
  ],
  ...others.map((peer): [string, number, string, boolean] => [
    `chain against ${peer.name}`,
    wall(start, "ours strict, the chain alone") - wall(start, peer.name),
    "ms, less than 0",
    wall(start, "ours strict, the chain alone") < wall(start, peer.name),
  ]),
  [
    "observer, each exec",
    (wall(execs, "observed") - wall(execs, "not observed")) / EXECS,
    "ms, at most 0.5",
    (wall(execs, "observed") - wall(execs, "not observed")) / EXECS <= 0.5,
  ],
  ["observer on make of libgit2", share(built), "%, at most 5", share(built) <= 5],
  ["observer on make of small files", share(smallBuilt), "%, at most 5", share(smallBuilt) <= 5],
  ["observer on npm ci", share(installed), "%, at most 5", share(installed) <= 5],
  ["shim, each call", median(shims), "ms, at most 1.5", median(shims) <= 1.5],
];
for (const [name, value, goal, met] of goals)
  process.stdout.write(`${met ? "met " : "MISSED"} ${name}: ${value.toFixed(2)} ${goal}\n`);
rmSync(dir, { recursive: true, force: true });
process.stdout.write(
  `\n${ROOT === process.cwd() ? "" : `${ROOT}, `}bubblewrap ${Bun.spawnSync(["/usr/bin/bwrap", "--version"]).stdout.toString().trim().split(" ").at(-1)}, Bun ${Bun.version}\n`,
);
