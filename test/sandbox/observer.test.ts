// The observer and what it sees, on the real kernel; and the end of a run whose observer is lost, with calls that wait for an answer and without.

import { describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostFacts } from "#sandbox/host.ts";
import { launchSandbox, type SandboxEnd, type SandboxEvents } from "#sandbox/launch.ts";
import * as libc from "#sandbox/libc.ts";
import type { ObservedExec } from "#sandbox/observer.ts";
import { planSandbox } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { nothingShown } from "#sandbox/shown.ts";
import { anyProgram, type RunRules } from "#sandbox/run-rules.ts";

const memfdCreate = process.arch === "arm64" ? 279 : 319; // memfd_create(2)
const askAll: RunRules = { ...anyProgram, others: "ask" };

/** Runs a script in a strict sandbox with these rules. */
async function run(script: string, events: SandboxEvents, rules = anyProgram): Promise<SandboxEnd> {
  const dir = mkdtempSync(join(tmpdir(), "broke-observer-"));
  try {
    const [workspace, home] = [join(dir, "ws"), join(dir, "home")];
    for (const folder of [workspace, home]) mkdirSync(folder);
    const host = hostFacts();
    const plan = planSandbox({
      ...{ tree: workspace, objects: [], shown: nothingShown },
      ...{ profile: profileOf("strict"), host, workspace, home, homeReadOnly: [], homeState: [], ignored: [] },
      protect: { files: [], dirs: [], missing: [], masked: [], pins: [] },
      ...{ shims: undefined, events: undefined, socketDir: undefined, tools: [], hidden: [], emptied: [] },
      ...{ portMark: "{port}", egressMark: undefined, terminal: false },
      argv: ["/bin/sh", "-c", script],
      env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" },
    });
    const sandbox = await launchSandbox({ ...plan, run: rules }, host.arch, { kind: "pipes", stdin: "empty" }, events);
    const end = await sandbox.ended;
    const { stdout, stderr } = sandbox.streams!;
    for (const fd of [stdout, stderr]) closeSync(fd);
    return end;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Takes the observer's descriptor away under it, as a bug of ours would. */
function loseListener(): void {
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:seccomp notify") libc.closeFd(Number(fd));
    } catch {
      // The folder's own descriptor is gone by now.
    }
  }
}

describe("a lost observer ends the run as unobserved, and everything in it", () => {
  test("while programs run", async () => {
    const end = await run("while :; do /bin/true; done", {
      onExec: ({ argv }) => void (argv[0] === "/bin/true" && loseListener()),
    });
    expect(end).toEqual({ kind: "unobserved", reason: expect.stringContaining("the exec observer was lost") });
  });

  test("while one waits for an answer", async () => {
    const end = await run(
      "sleep 1000",
      {
        async onHeld() {
          loseListener();
          return true;
        },
      },
      askAll,
    );
    expect(end).toEqual({ kind: "unobserved", reason: expect.stringContaining("the exec observer was lost") });
  });

  test("before it could decide anything", async () => {
    const end = await run("sleep 1000", {}, { ...anyProgram, denied: 7 } as unknown as RunRules);
    expect(end).toEqual({ kind: "unobserved", reason: expect.stringContaining("the exec observer was lost") });
  });

  test("when what it saw cannot be kept", async () => {
    const end = await run("sleep 1000", {
      onExec() {
        throw new Error("disk full");
      },
    });
    expect(end).toEqual({ kind: "unobserved", reason: "an event of the run could not be recorded" });
  });
});

describe("answers", () => {
  test("nobody to ask is a denial", async () => {
    expect(await run("sleep 1000", {}, askAll)).toEqual({
      // As a shell says of what it may not run.
      ...{ kind: "exited", code: 126, signal: null },
    });
  });

  test("a call that waits holds no other; answers come in any order", async () => {
    const held: { argv: string[]; answer(allowed: boolean): void }[] = [];
    const seen: string[] = [];
    const end = await run(
      "(sleep 0.01; echo a) & (sleep 0.02; echo b) & /bin/true; wait; exit 7",
      {
        onExec: ({ argv }) => void seen.push(argv[0]!),
        onHeld({ exec: { argv } }) {
          const { promise, resolve } = Promise.withResolvers<boolean>();
          if (argv[0] !== "sleep") return Promise.resolve(true);
          held.push({ argv, answer: resolve });
          if (held.length === 2) for (const each of held.toReversed()) each.answer(true);
          return promise;
        },
      },
      askAll,
    );
    expect({ end, held: held.length }).toEqual({ end: { kind: "exited", code: 7, signal: null }, held: 2 });
  });
});

describe("what changes while it is asked about is not what was allowed", () => {
  const other = "#!/bin/sh\necho another\n";
  test.each([
    [
      "another file under its name",
      (file: string) => (writeFileSync(`${file}.new`, other, { mode: 0o755 }), renameSync(`${file}.new`, file)),
    ],
    ["another content", (file: string) => writeFileSync(file, other)],
    ["another interpreter", (file: string) => writeFileSync(file, "#!/usr/bin/env sh\n")],
    ["nothing", (file: string) => rmSync(file)],
    ["itself", () => {}],
  ])("%s", async (what, change) => {
    const seen: ObservedExec[] = [];
    await run(
      "printf '#!/bin/sh\\nexit 3\\n' > prog; /bin/chmod +x prog; ./prog; exit 0",
      {
        onExec: (exec) => void seen.push(exec),
        async onHeld({ exec }) {
          if (exec.argv[0] === "./prog") change(join(exec.cwd!, "prog"));
          return true;
        },
      },
      askAll,
    );
    const [told] = seen.filter(({ argv }) => argv[0] === "./prog");
    const denied = { outcome: "denied", reason: "it changed while it was asked about" };
    expect<unknown>({ outcome: told?.outcome, reason: told?.reason }).toEqual(
      what === "itself" ? { outcome: "started", reason: null } : denied,
    );
  });
});

test("what is seen: the file, its interpreter, who started it, and one event for a search", async () => {
  const seen: ObservedExec[] = [];
  const script = [
    "cp /usr/bin/true renamed; ./renamed x",
    "printf '#!/usr/bin/env sh\\nexit 0\\n' > script; chmod +x script; mkdir d; cd d; ../script",
    "perl -e 'exec q{absent}, q{one}'",
    `perl -e '$n = "m\\0"; open($m, ">&=", syscall(${memfdCreate}, $n, 0)); open($t, "<", "/usr/bin/true"); local $/; syswrite $m, <$t>; exec {"/proc/self/fd/" . fileno $m} "mem"'`,
  ].join("; ");
  expect(await run(script, { onExec: (exec) => void seen.push(exec) })).toEqual({
    kind: "exited",
    code: 0,
    signal: null,
  });
  const of = (argv0: string) => seen.filter(({ argv }) => argv[0] === argv0);
  const told = (exec: ObservedExec | undefined) => ({
    path: exec?.path?.replace(/^.*\/ws\//, "WS/"),
    files: exec?.files.map((file) => file.replace(/^.*\/ws\//, "WS/")),
    outcome: exec?.outcome,
  });
  expect(told(of("./renamed")[0])).toEqual({ path: "WS/./renamed", files: ["WS/renamed"], outcome: "started" });
  expect(told(of("../script")[0])).toEqual({
    path: "WS/d/../script",
    files: ["WS/script", "/usr/bin/env"],
    outcome: "started",
  });
  expect(of("absent").map(({ outcome }) => outcome)).toEqual(["not_found", "not_found"]);
  expect(of("mem")[0]?.files).toEqual(["/memfd:m (deleted)"]);
  const [shell] = seen;
  expect(of("./renamed")[0]?.lineage).toEqual([shell!.pid, ...shell!.lineage]);
  expect(shell!.lineage.length).toBe(1);
});

test("thousands in a row are told in order, each with its own words, short or long, few or many", async () => {
  const seen: ObservedExec[] = [];
  const script = [
    "i=0; while [ $i -lt 2500 ]; do /bin/true $i x$i; i=$((i + 1)); done",
    "perl -e 'system {q{/bin/true}} @$_ for [(q{a}) x 100], [q{b} x 300, q{}, q{c} x 5000], [map { $_ x 255 } q{d} .. q{z}], [q{é}]'",
  ].join("; ");
  await run(script, { onExec: (exec) => void seen.push(exec) });
  const told = seen.filter(({ path }) => path === "/bin/true");
  const letters = [..."defghijklmnopqrstuvwxyz"].map((letter) => letter.repeat(255));
  expect(told.map(({ argv }) => argv)).toEqual([
    ...Array.from({ length: 2500 }, (_, index) => ["/bin/true", `${index}`, `x${index}`]),
    ...[Array.from({ length: 100 }, () => "a"), ["b".repeat(300), "", "c".repeat(5000)], letters, ["é"]],
  ]);
  const same = ({ files, outcome, cut, lineage }: ObservedExec) =>
    JSON.stringify([files, outcome, cut, lineage.at(-1) === seen[0]!.lineage[0]]);
  expect(new Set(told.map(same))).toEqual(new Set([JSON.stringify([["/usr/bin/true"], "started", false, true])]));
});

describe("what is refused says why on its own standard error", () => {
  const governed: RunRules = { ...anyProgram, governed: true };
  const refuse = async (script: string): Promise<{ end: SandboxEnd; said: string[] }> => {
    const said: string[] = [];
    const end = await run(
      script,
      {
        onExec: ({ argv }) => void (argv[0] === "/bin/true" && said.push(...argv.slice(1))),
        onHeld: async ({ exec: { path } }) => (path === "/usr/bin/sleep" ? { refused: "why" } : true),
      },
      governed,
    );
    return { end, said };
  };
  const ways: [name: string, script: string, said: string[]][] = [
    ["a pipe", '/bin/true "$(PROG 2>&1 | head -1)"', ["why"]],
    ["a file", 'PROG 2>out; /bin/true "$(head -1 out)"', ["why"]],
    ["a file that is appended to", 'echo first >out; PROG 2>>out; /bin/true "$(head -2 out)"', ["first\nwhy"]],
    ["a file that is only read", 'echo first >out; PROG 2<out; /bin/true "$(cat out)"', ["first"]],
    ["nothing", "PROG 2>/dev/null; /bin/true done", ["done"]],
    ["closed", "PROG 2>&-; /bin/true done", ["done"]],
    [
      "a pipe that is full",
      'mkfifo p; exec 3<>p; perl -e \'open F, "+<p"; fcntl F, 4, 2048; 1 while syswrite F, "x" x 4096\'; (PROG 2>&3) & perl -e "select undef, undef, undef, 0.2"; /bin/true done',
      ["done"],
    ],
    [
      "a socket",
      `/bin/true "$(perl -MSocket -e 'socketpair A, B, AF_UNIX, SOCK_STREAM, 0; unless (fork) { open STDERR, ">&A"; exec "PROG" or exit } wait; sysread B, $x, 4; print $x')"`,
      ["why"],
    ],
  ];
  test.each(ways)("%s", async (_, script, said) => {
    expect(await refuse(`${script.replace("PROG", "/usr/bin/sleep")}; exit 0`)).toEqual({
      end: { kind: "exited", code: 0, signal: null },
      said,
    });
  });

  test("where its caller is ended with it, nothing of it ran, and it ended as one that was killed", async () => {
    const said: string[] = [];
    const script =
      'perl -e \'open STDERR, ">out"; unless (fork) { exec {"/usr/bin/sleep"} "sleep", "1"; print STDERR "went on" } wait; exec "/bin/true", $? & 127, `cat out`\'';
    const end = await run(
      script,
      {
        onExec: ({ argv }) => void (argv[0] === "/bin/true" && said.push(...argv.slice(1))),
        onHeld: async ({ exec: { path } }) => (path === "/usr/bin/sleep" ? { refused: "why", end: true } : true),
      },
      governed,
    );
    expect({ end, said }).toEqual({ end: { kind: "exited", code: 0, signal: null }, said: ["9", "why\n"] });
  });
});
