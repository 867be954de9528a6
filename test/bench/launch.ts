// From the command to the client's first model request: the real Claude Code started bare, by `broke harness run` without a sandbox, and in
// strict, in turns, in one run. And the sandbox alone, with a client that does nothing. Usage: bun test/bench/launch.ts [samples]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAUNCHER, makeBench, ROOT } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";
import { figuresOf, report } from "./stats.ts";

const samples = Number(process.argv[2] ?? 15);
const CLAUDE = join(ROOT, "node_modules", ".bin", "claude");

using bench = makeBench();
await using upstream = await startUpstream(() => say("done"));
await bench.answerFrom(upstream.url);

async function toFirstRequest(argv: string[], env: Record<string, string>): Promise<number> {
  const before = upstream.asked().length;
  const started = performance.now();
  const child = Bun.spawn(argv, { cwd: bench.workspace, env, stdio: ["ignore", "ignore", "ignore"] });
  await upstream.until(() => upstream.asked().length > before);
  const taken = performance.now() - started;
  await child.exited;
  return taken;
}

async function toExit(argv: string[], env: Record<string, string>): Promise<number> {
  const started = performance.now();
  await Bun.spawn(argv, { cwd: bench.workspace, env, stdio: ["ignore", "ignore", "ignore"] }).exited;
  return performance.now() - started;
}

const harness = (...words: string[]) => [LAUNCHER, "harness", "run", ...words];
const bareEnv = () => ({
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: mkdtempSync(join(tmpdir(), "bench-home-")),
  IS_SANDBOX: "1",
  ANTHROPIC_BASE_URL: upstream.url,
  ANTHROPIC_AUTH_TOKEN: "none",
  ANTHROPIC_MODEL: "sonnet",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_INSTALLATION_CHECKS: "1",
});

const first: [string, () => Promise<number>][] = [
  [
    "claude, bare",
    async () => {
      const env = bareEnv();
      const taken = await toFirstRequest([CLAUDE, "-p", "hi"], env);
      rmSync(env.HOME, { recursive: true, force: true });
      return taken;
    },
  ],
  ["broke harness run, normal", () => toFirstRequest(harness("--sandbox", "normal", "--", "-p", "hi"), bench.env)],
  ["broke harness run, strict", () => toFirstRequest(harness("--", "-p", "hi"), bench.env)],
];
const nothing: [string, () => Promise<number>][] = [
  ["true, bare", () => toExit(["/bin/true"], bench.env)],
  ["broke --help", () => toExit([LAUNCHER, "--help"], bench.env)],
  ["true in normal", () => toExit(harness("--client", "exec", "--sandbox", "normal", "--", "true"), bench.env)],
  ["true in strict", () => toExit(harness("--client", "exec", "--", "true"), bench.env)],
];

async function measure(title: string, ways: [string, () => Promise<number>][]): Promise<void> {
  const taken = ways.map((): number[] => []);
  for (let round = -1; round < samples; round++) {
    for (const [index, [, run]] of ways.entries()) {
      const value = await run();
      if (round >= 0) taken[index]!.push(value);
    }
  }
  process.stdout.write(
    `${report(
      title,
      ways.map(([name], index) => [name, figuresOf(taken[index]!)]),
    )}\n\n`,
  );
}

await measure("to the client's first model request", first);
await measure("a command that does nothing, start to end", nothing);
