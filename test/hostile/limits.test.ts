// What a hostile or broken client would use up: each ends the run, with the limit's name in the ledger and in the verdict, and leaves nothing
// of it going. As root with whatever groups the kernel gives, and as a plain user with none of them.

import { afterAll, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";

const PLAIN_UID = 54_322;
const root = process.getuid!() === 0;
const become = ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"];
const identities = root
  ? [
      { name: "root", uid: 0, as: [] as string[] },
      { name: "a plain user", uid: PLAIN_UID, as: become },
    ]
  : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

const MIB = 1024 ** 2;
/** A run that no limit ended would go on for this long; a name of its own finds what is left of it. */
const FOREVER = `sleep 6${process.pid}`;
const FILL = "while :; do cat /dev/zero >> $f 2>/dev/null; sleep 0.05; done";

type Ended = {
  code: number;
  stdout: number;
  stderr: string;
  ms: number;
  reached: { which: string; value: number; limit: number } | undefined;
  used: Record<string, number>;
};

function record(folder: string, event: string) {
  const [run = ""] = readdirSync(join(folder, "broke", "runs"));
  const lines = readFileSync(join(folder, "broke", "runs", run, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as { event: string; data: never }).find((line) => line.event === event)
    ?.data;
}

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

async function run(who: (typeof identities)[number], options: string[], command: string[]): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "broke-limits-"));
  folders.push(folder);
  const workspace = join(folder, "work");
  mkdirSync(workspace);
  for (const path of [folder, workspace]) chownSync(path, who.uid, who.uid);
  const begun = performance.now();
  const child = Bun.spawn([...who.as, LAUNCHER, "harness", "run", "--client", "exec", ...options, "--", ...command], {
    cwd: workspace,
    env: { PATH: process.env.PATH!, HOME: folder, BROKE_HOME: join(folder, "broke") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, stderr] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const ms = performance.now() - begun;
  return {
    ...{ code, stdout: out.length, stderr, ms },
    ...{ reached: record(folder, "limit.reached"), used: record(folder, "limits.used")! },
  };
}

const survivors = () =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === FOREVER;
      } catch {
        return false;
      }
    });

const sh = (script: string) => ["sh", "-c", script];
const perl = (script: string) => ["perl", "-e", script];

type Case = [string, string, string, string[], string[], [number, number]];
/** What is done, the limit that ends it, its words, the options, the command, and between what the value must be. */
const cases: Case[] = [
  ["sleeping for ever", "timeout", "1 s", ["--timeout=1s"], FOREVER.split(" "), [1000, 1000]],
  [
    "sleeping for ever, deaf to being asked",
    ...(["timeout", "1 s", ["--timeout=1s"]] as [string, string, string[]]),
    sh(`trap '' TERM; while :; do ${FOREVER}; done`),
    [1000, 1000],
  ],
  [
    "a fork bomb",
    ...(["pids", "80 processes and threads", ["--limit=pids=80"]] as [string, string, string[]]),
    ["bash", "-c", ":(){ :|:& };: 2>/dev/null; wait; " + FOREVER],
    [70, 90],
  ],
  [
    "a bomb of patient children, each in a session of its own",
    ...(["pids", "80 processes and threads", ["--limit=pids=80"]] as [string, string, string[]]),
    perl(
      `use POSIX; $SIG{CHLD} = "IGNORE"; while (1) { my $p = fork; if (defined $p && !$p) { POSIX::setsid(); exec "${FOREVER}" } select undef, undef, undef, 0.01 }`,
    ),
    [70, 90],
  ],
  [
    "one process that takes all memory",
    ...(["memory", "256 MiB", ["--limit=memory=256m"]] as [string, string, string[]]),
    perl('push @x, "a" x 4_000_000 while 1'),
    [200 * MIB, 4096 * MIB],
  ],
  [
    "many processes that take a little memory each",
    ...(["memory", "256 MiB", ["--limit=memory=256m"]] as [string, string, string[]]),
    perl('for (1..30) { if (!fork) { $x = "a" x 20_000_000; sleep 60 } select undef, undef, undef, 0.02 } sleep 60'),
    [200 * MIB, 4096 * MIB],
  ],
  ["a flood on stdout", "output", "1 MiB", ["--limit=output=1m"], ["yes"], [MIB, 2 * MIB]],
  ["a flood on stderr", "output", "1 MiB", ["--limit=output=1m"], sh("yes >&2"), [MIB, 2 * MIB]],
  [
    "filling the workspace",
    ...(["growth", "16 MiB", ["--limit=growth=16m"]] as [string, string, string[]]),
    sh(`f=big; ${FILL}`),
    [16 * MIB, 4096 * MIB],
  ],
  [
    "filling it with small files",
    ...(["growth", "4 MiB", ["--limit=growth=4m"]] as [string, string, string[]]),
    perl("mkdir 'd'; for ($i = 0; ; $i++) { open my $f, '>', \"d/$i\" or sleep 1 }"),
    [4 * MIB, 4096 * MIB],
  ],
  [
    "filling it under a name that is gone",
    ...(["growth", "16 MiB", ["--limit=growth=16m"]] as [string, string, string[]]),
    sh("exec 3>f; rm f; cat /dev/zero >&3"),
    [16 * MIB, 4096 * MIB],
  ],
  [
    "filling its home",
    ...(["growth", "16 MiB", ["--limit=growth=16m"]] as [string, string, string[]]),
    sh(`f=~/big; ${FILL}`),
    [16 * MIB, 4096 * MIB],
  ],
  [
    "filling it where no path leads",
    ...(["growth", "16 MiB", ["--limit=growth=16m"]] as [string, string, string[]]),
    perl(
      `for (1..300) { mkdir "a" x 20; chdir "a" x 20 or die } exec "/bin/sh", "-c", "f=big; ${FILL.replace("$f", "\\$f")}"`,
    ),
    [16 * MIB, 4096 * MIB],
  ],
  [
    "filling a folder and closing it",
    ...(["growth", "16 MiB", ["--limit=growth=16m"]] as [string, string, string[]]),
    sh("mkdir d; cd d; exec 3>f; chmod 000 .; cat /dev/zero >&3"),
    [16 * MIB, 4096 * MIB],
  ],
  ["filling /tmp", "tmp", "8 MiB", ["--limit=tmp=8m"], sh(`f=/tmp/big; ${FILL}`), [8 * MIB, 8 * MIB]],
  ["filling /dev/shm", "shm", "64 MiB", [], sh(`f=/dev/shm/big; ${FILL}`), [64 * MIB, 64 * MIB]],
];

const isReason = (line: string) => line.startsWith("broke: the run reached its limit");

for (const who of identities) {
  describe(`launched by ${who.name}`, () => {
    for (const [name, which, words, options, command, [least, most]] of cases) {
      test(name, async () => {
        const { code, stderr, ms, reached, used, stdout } = await run(who, options, command);
        const told = stderr.trimEnd().split("\n");
        // A kernel that kills for memory lets the shim in front of the client say so itself.
        const own = code === 137 ? "client" : "verdict";
        expect({
          which: reached?.which,
          code: code === 137 ? 10 : code,
          told: told.find(isReason),
          how: told.at(-1),
        }).toEqual({
          ...{ which, code: 10, told: `broke: the run reached its limit: ${which} ${words}` },
          how: expect.stringMatching(new RegExp(`RETRY_NARROW exit ${code} exit_source ${own}$`)),
        });
        expect(reached!.value).toBeGreaterThanOrEqual(least);
        expect(reached!.value).toBeLessThanOrEqual(most);
        expect(used.outputBytes).toBeGreaterThanOrEqual(stdout);
        expect(survivors()).toEqual([]);
        expect(ms).toBeLessThan(15_000);
      });
    }

    // What is only seen by looking, stays for longer than the longest pause between two looks.
    test("control: what stays below ends as it ends, and what it used is told", async () => {
      const limits = "--limit=memory=512m,pids=100,output=1m,growth=16m,tmp=8m";
      const script = `perl -e '$x = "a" x ${60 * MIB}; select undef, undef, undef, 5' & i=0
        while [ $i -lt 30 ]; do sleep 5 & i=$((i + 1)); done
        head -c 3000000 /dev/zero > made; head -c 2000000 /dev/zero > /tmp/made; head -c 500000 /dev/zero; wait; exit 4`;
      const { code, reached, used, stdout } = await run(who, ["--timeout=60s", limits], sh(script));
      expect({ code, reached, stdout, output: used.outputBytes }).toEqual({
        ...{ code: 4, reached: undefined, stdout: 500_000, output: 500_000 },
      });
      expect(used.growthBytes).toBeGreaterThan(3_000_000);
      expect(used.growthBytes).toBeLessThan(3_200_000);
      expect(used.writtenBytes).toBeGreaterThan(3_000_000);
      expect(used.peakMemoryBytes).toBeGreaterThan(60 * MIB);
      expect(used.peakMemoryBytes).toBeLessThan(512 * MIB);
      expect(used.peakProcesses).toBeGreaterThan(30);
      expect(used.peakProcesses).toBeLessThan(100);
      expect(used.cpuMs).toBeGreaterThan(20);
    });

    test("a burst of processes at its limit goes on when it is over", async () => {
      const script = `i=0; while [ $i -lt 100 ]; do sleep 0.05 2>/dev/null & i=$((i + 1)); done 2>/dev/null; wait; exit 0`;
      const { code, reached } = await run(who, ["--limit=pids=80"], ["bash", "-c", script]);
      expect({ code, reached }).toEqual({ code: 0, reached: undefined });
    });

    test("each process has no more files, no larger file than it was given", async () => {
      const script =
        "ulimit -n; ulimit -f; head -c 3000000 /dev/zero > big; wc -c < big; df -B1 --output=size /tmp | tail -1";
      const folder = await run(who, ["--limit=files=100,filesize=2m,tmp=8m"], sh(`{ ${script}; } >&2`));
      expect(
        folder.stderr
          .split("\n")
          .filter((line) => /^\s*\d+$/.test(line))
          .map(Number),
      ).toEqual([...[100, (2 * MIB) / 512, 2 * MIB, 8 * MIB]]);
    });
  });
}
