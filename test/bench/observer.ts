// What the exec observer costs: programs started one after the other by one shell, bare, under bubblewrap alone, and in a strict run, in turns;
// and a build of many small C files the same three ways (gcc itself, without the tool shim in front). Usage: bun test/bench/observer.ts [execs] [files] [samples]

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { figuresOf, report } from "./stats.ts";

const [execs = 2000, files = 200, samples = 5] = process.argv.slice(2).map(Number);

using bench = makeBench();
const source = join(bench.workspace, "src");
mkdirSync(source);
for (let index = 0; index < files; index++) {
  const lines = Array.from(
    { length: 60 },
    (_, line) => `int f_${index}_${line}(int x) { return x * ${line} + ${index}; }`,
  );
  writeFileSync(join(source, `f${index}.c`), `#include <stdio.h>\n#include <stdlib.h>\n${lines.join("\n")}\n`);
}

/** The shell itself says how long it took, so that starting the sandbox is no part of it. */
const timed = (work: string) => `a=$(date +%s%N); ${work}; b=$(date +%s%N); echo $(( (b - a) / 1000 ))`;
const loop = timed(`i=0; while [ $i -lt ${execs} ]; do /bin/true; i=$((i + 1)); done`);
const build = timed('for f in src/*.c; do /usr/bin/gcc -O1 -c "$f" -o /tmp/o.o; done');

const bwrap = ["/usr/bin/bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all"];
const ways: [string, (script: string) => string[]][] = [
  ["bare", (script) => ["/bin/sh", "-c", script]],
  ["bubblewrap alone", (script) => [...bwrap, "--", "/bin/sh", "-c", script]],
  ["strict, observed", (script) => [LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", script]],
];

/** Milliseconds the script says it took. */
async function run(argv: string[]): Promise<number> {
  const child = Bun.spawn(argv, { cwd: bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "ignore"] });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${argv[0]} failed`);
  return Number(text.trim()) / 1000;
}

for (const [title, script, each] of [
  [`${execs} × /bin/true, ms for each`, loop, execs],
  [`gcc over ${files} files, s`, build, 1000],
] as const) {
  const taken = ways.map((): number[] => []);
  for (let round = 0; round < samples; round++) {
    for (const [index, [, argv]] of ways.entries()) taken[index]!.push((await run(argv(script))) / each);
  }
  const rows = ways.map(([name], index): [string, ReturnType<typeof figuresOf>] => [name, figuresOf(taken[index]!)]);
  process.stdout.write(`${report(title, rows)}\n\n`);
}
