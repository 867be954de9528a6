// The real clients with a list of programs that may run: what each needs to start, and to do a task with one command.

import { describe, expect, test } from "bun:test";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, say, task, tool } from "#test/support/upstream/script.ts";

const COMMAND = "echo made > made.txt; wc -l made.txt";

/** `own`: what of /usr the client itself is run by. */
const clients: { client: string; ask: string[]; shell: Part; own: string[] }[] = [
  { client: "claude", ask: ["-p", "go"], shell: tool("Bash", { command: COMMAND }), own: [] },
  { client: "codex", ask: ["exec", "go"], shell: tool("exec_command", { cmd: COMMAND }), own: [] },
  {
    ...{ client: "gemini", ask: ["-p", "go"], own: [realpathSync(Bun.which("node")!)] },
    shell: tool("run_shell_command", { command: COMMAND, description: "d" }),
  },
];

type Event = { event: string; data: { path: string; files: string[]; reason?: string } };

async function run(client: string, ask: string[], flags: string[], parts: Part[]) {
  using bench = makeBench();
  await using upstream = await startUpstream(task([...parts.map((part) => say(part)), say("All done.")]));
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke(["harness", "run", "--client", client, ...flags, "--", ...ask]);
  const ledger = readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  const events = ledger.map((line): Event => JSON.parse(line));
  const files = events.filter(({ event }) => event === "command.observed").flatMap(({ data }) => data.files);
  const results = upstream
    .asked()
    .at(-1)!
    .history.flatMap((turn) => turn.results);
  return {
    ...{ code: ran.code, done: ran.stdout.includes("All done.") },
    ran: [...new Set(files.filter((file) => file.startsWith("/usr/")))].sort(),
    denied: events.filter(({ event }) => event === "command.denied").map(({ data }) => data),
    result: results[0]?.text ?? "",
  };
}

describe.each(clients)("$client", ({ client, ask, shell, own }) => {
  test("starts and answers where nothing but its own may run, and can run no command there", async () => {
    const { denied, result, ...told } = await run(client, ask, ["--deny-run"], [shell]);
    expect(told).toEqual({ code: 0, done: true, ran: own });
    expect(new Set(denied.map(({ reason }) => reason)).difference(new Set(["no rule allows it"]))).toEqual(new Set());
    expect(result).toMatch(/No suitable shell|Operation not permitted|EPERM/);
  });

  test("with bash it runs commands, and those start only what is named", async () => {
    const without = await run(client, ask, ["--allow-run=bash"], [shell]);
    expect([without.code, without.done, without.ran]).toEqual([0, true, ["/usr/bin/bash", ...own].sort()]);
    expect(without.result).toContain("wc: command not found");
    const named = await run(client, ask, ["--allow-run=bash,wc"], [shell]);
    expect([named.code, named.done, named.ran]).toEqual([0, true, ["/usr/bin/bash", "/usr/bin/wc", ...own].sort()]);
    expect(named.result).toContain("1 made.txt");
  });
});
