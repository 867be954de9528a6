// Runs the product's own launcher in a test: a fresh BROKE_HOME, a workspace, a clean environment, everything asserted together.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "..", "..");
export const LAUNCHER = join(ROOT, "shims", "broke");

export type Ran = { code: number; stdout: string; stderr: string };

export type Bench = Disposable & {
  home: string;
  workspace: string;
  env: Record<string, string>;
  /** Runs `broke` with these words in the workspace. */
  broke(args: string[], options?: { stdin?: string; env?: Record<string, string>; cwd?: string }): Promise<Ran>;
  /** Lets an upstream that speaks Anthropic Messages answer every slot. */
  answerFrom(url: string): Promise<void>;
};

/** A home and a workspace of their own, removed at the end. */
export function makeBench(where = tmpdir()): Bench {
  const dir = mkdtempSync(join(where, "broke-test-"));
  const home = join(dir, "home");
  const workspace = mkdtempSync(join(dir, "ws-"));
  const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: dir, BROKE_HOME: home, NO_COLOR: "1", TZ: "UTC" };
  const bench: Bench = {
    home,
    workspace,
    env,
    async answerFrom(url) {
      for (const words of [
        ["backend", "add", "scripted", "--base-url", url, "--dialect", "anthropic", "--model", "m"],
        ["swap", "all=scripted"],
      ]) {
        const ran = await bench.broke(words);
        if (ran.code !== 0) throw new Error(ran.stderr);
      }
    },
    async broke(args, options = {}) {
      const child = Bun.spawn([LAUNCHER, ...args], {
        cwd: options.cwd ?? workspace,
        env: { ...env, ...options.env },
        stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, stdout, stderr };
    },
    [Symbol.dispose]() {
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return bench;
}

/** The run id in the last line of `broke harness run`. */
export function runIdOf(ran: Ran): string {
  const id = /run (run_\d+_[0-9a-f]{8}) /.exec(ran.stderr)?.[1];
  if (id === undefined) throw new Error(`no run id in: ${ran.stderr}`);
  return id;
}
