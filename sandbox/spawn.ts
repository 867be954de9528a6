// The only place that starts processes: a planned sandbox (Bun.spawn, because descriptors and a terminal matter), fixed probes, and our own
// daemon. Children get an explicit environment and no descriptor beyond the ones named.
// Does not stop: a program started by `runProbe` from doing what it likes; never point it at a tree a worker wrote.

import { closeSync, constants } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { requireEnterable } from "./enterable.ts";
import { checkSame, openSame } from "./open.ts";
import type { OwnCode } from "./own-code.ts";
import * as libc from "./libc.ts";
import type { PlanFile } from "./mounts.ts";
import type { SandboxPlan } from "./plan.ts";

export const BWRAP = "/usr/bin/bwrap";
export const SECCOMP_TOKEN = "{seccomp}";

/** How the client's standard streams are wired. */
export type Stdio =
  | { kind: "terminal"; columns: number; rows: number; onOutput: (bytes: Uint8Array) => void }
  /** Its input is nothing, what comes in by ours, or what we write to it. */
  | { kind: "pipes"; stdin: "empty" | "pipe" | "held" };

/** Our ends of the client's streams: real pipes, because a socket cannot be reopened through /dev/stdout. */
export type ClientStreams = { stdin: number | undefined; stdout: number; stderr: number };

export type SpawnedSandbox = {
  process: Bun.Subprocess;
  /** Undefined with a terminal: that one is `process.terminal`. */
  streams: ClientStreams | undefined;
  /** Our end of init's control socket. */
  control: number;
  /** Ends when everything written to the terminal has been handed on; at once without one. */
  drained: Promise<void>;
};

function openFile(file: PlanFile, code: OwnCode): number {
  if (file.kind === "path") return openSame(file.beneath, file.path, file.id);
  if (file.kind === "copy") return libc.openFd(file.path, constants.O_RDONLY);
  const fd = libc.memoryFile("data");
  libc.writeAll(fd, file.kind === "data" ? file.bytes : code[file.program]);
  return fd;
}

/** What bwrap is told: its options, which go through a descriptor, and the command after them. */
export function bwrapWords({ words }: SandboxPlan): { options: string[]; command: string[] } {
  const end = words.indexOf("--");
  return { options: ["--seccomp", SECCOMP_TOKEN, ...words.slice(0, end)], command: words.slice(end) };
}

/** The words as bwrap's --args wants them: NUL-terminated, tokens replaced by descriptor numbers. */
function encodeWords(words: string[], numbers: Map<string, number>): Uint8Array {
  const text = words.map((word) => {
    const number = numbers.get(word);
    if (word.includes("\0")) throw new BrokeError("usage", "a path or argument contains a NUL byte");
    return number === undefined ? word : String(number);
  });
  return new TextEncoder().encode(text.map((word) => `${word}\0`).join(""));
}

/**
 * A pipe fed from our standard input by cat(1), which ends when our input does; the caller ends it with the sandbox, or it would take the next
 * command's input. The client never gets our own descriptor: through
 * /proc/self/fd it could reopen the file behind it for writing.
 */
function feedFromOurInput(opened: number[]): { readEnd: number; cat: Bun.Subprocess } {
  const [readEnd, writeEnd] = libc.pipe();
  opened.push(readEnd, writeEnd);
  const cat = Bun.spawn(["/usr/bin/cat"], { env: {}, cwd: "/", stdio: ["inherit", writeEnd, "ignore"] });
  cat.unref();
  return { readEnd, cat };
}

/**
 * Starts bwrap on a plan. `observerFd` is the child's end of the observer's socket pair; it and every other descriptor opened here is
 * closed in this process before returning. `prefix` runs bwrap through another program (to join a cgroup).
 */
export function spawnSandbox(
  plan: SandboxPlan,
  code: OwnCode,
  observerFd: number,
  stdio: Stdio,
  prefix: string[] = [],
): SpawnedSandbox {
  const [control, initEnd] = libc.socketPair();
  const opened: number[] = [initEnd, observerFd];
  try {
    const extra: number[] = [initEnd, observerFd];
    const numbers = new Map<string, number>();
    const add = (token: string, fd: number) => {
      opened.push(fd);
      extra.push(fd);
      numbers.set(token, 2 + extra.length);
    };
    requireEnterable(plan.places);
    for (const file of plan.files) add(file.token, openFile(file, code));
    for (const { path, id } of plan.checks) checkSame(path, id);
    const seccomp = libc.memoryFile("seccomp");
    libc.writeAll(seccomp, plan.seccomp);
    add(SECCOMP_TOKEN, seccomp);
    const args = libc.memoryFile("args");
    opened.push(args);
    extra.push(args);
    const argsNumber = 2 + extra.length;
    const { options, command } = bwrapWords(plan);
    libc.writeAll(args, encodeWords(options, numbers));
    const argv = [...prefix, BWRAP, "--args", String(argsNumber), ...command];
    if (stdio.kind === "terminal") {
      const { promise: drained, resolve } = Promise.withResolvers<void>();
      const child = Bun.spawn(argv, {
        env: {},
        cwd: "/",
        stdio: ["ignore", "ignore", "ignore", ...extra],
        terminal: {
          cols: stdio.columns,
          rows: stdio.rows,
          data: (_, bytes) => stdio.onOutput(bytes),
          exit: () => resolve(),
        },
      });
      return { process: child, streams: undefined, control, drained };
    }
    const input = stdio.stdin === "pipe" ? feedFromOurInput(opened) : undefined;
    const held = stdio.stdin === "held" ? libc.pipe() : undefined;
    if (held !== undefined) opened.push(held[0]);
    const output = libc.pipe();
    const errors = libc.pipe();
    opened.push(output[1], errors[1]);
    const child = Bun.spawn(argv, {
      env: {},
      cwd: "/",
      detached: true,
      stdio: [input?.readEnd ?? held?.[0] ?? "ignore", output[1], errors[1], ...extra],
    });
    void child.exited.then(() => input?.cat.kill());
    const streams = { stdin: held?.[1], stdout: output[0], stderr: errors[0] };
    return { process: child, streams, control, drained: Promise.resolve() };
  } catch (error) {
    closeSync(control);
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Runs a fixed, trusted program to its end with an empty environment; its output, both streams, as text. */
export function runProbe(argv: string[], cwd = "/"): { code: number; output: string } {
  const result = Bun.spawnSync(argv, { env: {}, cwd, stdio: ["ignore", "pipe", "pipe"] });
  return { code: result.exitCode, output: `${result.stdout.toString()}${result.stderr.toString()}` };
}

/** A process to be left running after we are gone (the gateway daemon): own session, no streams but the log. */
export function startDetached(argv: string[], env: Record<string, string>, logFile: string): Bun.Subprocess {
  const log = libc.openFd(
    logFile,
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  );
  const child = Bun.spawn(argv, { env, cwd: "/", stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  child.unref();
  return child;
}

/** As much is held of what a batch tool says: a worker's tree decides how much that is. */
const MAX_OUTPUT_BYTES = 256 * 1024 ** 2;

/**
 * Runs a program to its end with an empty environment; `fds` are its descriptors from 3 up. `late`, `cut`: it was killed for taking too long, or
 * for saying too much.
 */
export function runToEnd(
  argv: string[],
  options: { fds: number[]; stdin?: Uint8Array | undefined; timeoutMs: number },
): { code: number; stdout: Buffer; stderr: string; late: boolean; cut: boolean } {
  const result = Bun.spawnSync(argv, {
    env: {},
    cwd: "/",
    stdio: [options.stdin ?? "ignore", "pipe", "pipe", ...options.fds],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return {
    code: result.exitCode ?? -1,
    stdout: Buffer.from(result.stdout ?? []),
    stderr: (result.stderr ?? "").toString(),
    late: result.exitedDueToTimeout ?? false,
    cut: result.exitedDueToMaxBuffer ?? false,
  };
}
