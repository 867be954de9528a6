// Runs on a real terminal, and the exit codes of many runs with and without one.

import { describe, expect, test } from "bun:test";
import { LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";
import { sit } from "#test/support/terminal.ts";

const RUNS = 50;
const run = (...words: string[]) => [LAUNCHER, "harness", "run", "--client", "exec", "--", ...words];

test(`${RUNS} runs without a terminal: exit 7 every time`, async () => {
  using bench = makeBench();
  const codes: number[] = [];
  for (let index = 0; index < RUNS; index++) {
    codes.push((await bench.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", "exit 7"])).code);
  }
  expect(codes).toEqual(Array.from({ length: RUNS }, () => 7));
});

test(`${RUNS} runs on a terminal: exit 7 every time, and the output is all there`, async () => {
  using bench = makeBench();
  for (let index = 0; index < RUNS; index++) {
    const seat = sit(run("sh", "-c", "test -t 0 && test -t 1 && echo on-a-terminal; exit 7"), {
      cwd: bench.workspace,
      env: bench.env,
    });
    expect({ index, code: await seat.exited, told: seat.screen().includes("on-a-terminal\r\n") }).toEqual({
      index,
      code: 7,
      told: true,
    });
  }
});

const TRAP = 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 1; done';

describe("a client that traps INT and then exits 7", () => {
  test("after Ctrl-C on a terminal", async () => {
    using bench = makeBench();
    const seat = sit(run("sh", "-c", TRAP), { cwd: bench.workspace, env: bench.env });
    await seat.until("ready");
    seat.type("\x03");
    expect(await seat.exited).toBe(7);
    expect(seat.screen()).toContain("caught");
    const id = runIdOf({ code: 7, stdout: "", stderr: seat.screen() });
    expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  });

  test("after SIGINT without one, which the ledger notes", async () => {
    using bench = makeBench();
    const child = Bun.spawn(run("sh", "-c", TRAP), {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const reading = readFrom(child.stdout);
    await reading.until("ready");
    child.kill("SIGINT");
    const out = await reading.rest();
    const stderr = await new Response(child.stderr).text();
    expect({ code: await child.exited, out }).toEqual({ code: 7, out: "ready\ncaught\n" });
    expect((await bench.broke(["harness", "events", runIdOf({ code: 7, stdout: "", stderr })])).stdout).toContain(
      "session.interrupted",
    );
  });
});

test("the client's terminal has our size, and follows it", async () => {
  using bench = makeBench();
  // Without a trap of its own bash forgives a Ctrl-C that comes just as the sleep before it ends.
  const loop = 'trap "stty size" WINCH; trap "exit 0" INT; stty size; while :; do sleep 0.05; done';
  const seat = sit(run("bash", "-c", loop), {
    cwd: bench.workspace,
    env: bench.env,
    columns: 91,
    rows: 33,
  });
  await seat.until("33 91");
  seat.resize(120, 40);
  await seat.until("40 120");
  seat.type("\x03");
  expect(await seat.exited).toBe(0);
  const id = runIdOf({ code: 0, stdout: "", stderr: seat.screen() });
  expect((await bench.broke(["harness", "events", id])).stdout).toContain("columns 120, rows 40");
});

test("Ctrl-Z stops the run and gives the shell back; fg goes on", async () => {
  using bench = makeBench();
  const shell = sit(["/bin/bash", "--norc", "--noprofile", "-i"], {
    cwd: bench.workspace,
    env: { ...bench.env, PS1: "shell> " },
  });
  await shell.until("shell> ");
  const script = "echo begun; read line; echo got-$line; exit 7";
  shell.type(`${LAUNCHER} harness run --client exec -- sh -c '${script}'\n`);
  await shell.until(/begun\r\n/);
  shell.type("\x1a");
  await shell.until(/Stopped/);
  shell.type("echo shell-$((40+2))\n");
  await shell.until("shell-42");
  shell.type("fg\n");
  await shell.until(/fg\r\n/);
  shell.type("word\n");
  await shell.until("got-word");
  await shell.until(/exit 7 exit_source client/);
  shell.type("echo code-$?; exit\n");
  await shell.until("code-7");
  await shell.exited;
});

test("standard output that is piped carries the client's bytes and nothing else", async () => {
  using bench = makeBench();
  const seat = sit(["/bin/sh", "-c", `${run("printf", "a\\\\000b").join(" ")} | od -c | head -3`], {
    cwd: bench.workspace,
    env: bench.env,
  });
  await seat.exited;
  expect(seat.screen()).toMatch(/0000000\s+a\s+\\0\s+b\r\n0000003/);
});
