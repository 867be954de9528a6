// A run that goes on while a test does things to it, through the real launcher.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER } from "./broke.ts";
import { readFrom } from "./reading.ts";

export type Going = AsyncDisposable & {
  id: string;
  out: ReturnType<typeof readFrom>;
  exited: Promise<number>;
  pid: number;
  say(...words: string[]): Promise<Record<string, unknown>>;
  events(): { event: string; data: Record<string, unknown> }[];
};

/** Starts a run and waits until its client said "up". */
export async function start(
  bench: Bench,
  script: string,
  options: { flags?: string[]; cwd?: string } = {},
): Promise<Going> {
  const runs = join(bench.home, "runs");
  const before = existsSync(runs) ? readdirSync(runs) : [];
  const child = Bun.spawn(
    [
      LAUNCHER,
      "harness",
      "run",
      "--client",
      "exec",
      ...(options.flags ?? []),
      "--",
      "bash",
      "-c",
      `echo up; ${script}`,
    ],
    { cwd: options.cwd ?? bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "ignore"] },
  );
  const out = readFrom(child.stdout);
  await out.until("up");
  const id = readdirSync(runs).find((name) => !before.includes(name))!;
  return {
    ...{ id, out, exited: child.exited, pid: child.pid },
    async say(...words) {
      const ran = await bench.broke(["harness", words[0]!, id, ...words.slice(1), "--json"]);
      return { code: ran.code, ...(ran.stdout === "" ? { error: ran.stderr } : JSON.parse(ran.stdout)) };
    },
    events: () =>
      readFileSync(join(runs, id, "ledger.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await child.exited;
    },
  };
}
