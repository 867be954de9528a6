// The real clients, and what they claim: a Write that was denied and is reported as done is not accepted; work that is there in spite of a failure
// is told.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Narrative } from "#harness/evidence/replay.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, say, type Script, tool } from "#test/support/upstream/script.ts";

/** Calls one tool, and then says the same whatever came of it. */
const claims =
  (call: Part, words: string): Script =>
  (seen) => {
    if (seen.tools.length === 0) return say("A small task");
    return seen.history.some(({ results }) => results.length > 0) ? say(words) : say(call);
  };

async function run(client: string, script: Script, options: string[], own: string[]) {
  const bench = makeBench();
  const upstream = await startUpstream(script);
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke([
    ...["harness", "run", "--client", client, "--workspace", "copy", "--policy", "throughput", "--retries", "0"],
    ...[...options, "--task", "write notes.txt", ...(own.length === 0 ? [] : ["--", ...own])],
  ]);
  const narrative: Narrative = JSON.parse((await bench.broke(["harness", "replay", runIdOf(ran), "--json"])).stdout);
  return {
    ...{ bench, ran, ...narrative },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    },
  };
}

describe("Claude Code", () => {
  const write = (path: string) => tool("Write", { file_path: path, content: "hello\n" });

  test("whose Write was denied says that it is done: nothing was changed, and it is not accepted", async () => {
    await using done = await run(
      "claude",
      claims(write("/nowhere/notes.txt"), "Done. I wrote notes.txt."),
      ["--verify", "true"],
      ["--permission-mode", "default"],
    );
    const { ran, packet, outcome, bench } = done;
    expect(ran.stdout).toContain("Done. I wrote notes.txt.");
    expect([packet.end?.code, packet.changes.total, outcome!.categories]).toEqual([0, 0, ["no_effect"]]);
    expect([ran.code, outcome!.verdict, existsSync(join(bench.workspace, "notes.txt"))]).toEqual([
      12,
      "ESCALATE",
      false,
    ]);
  });

  test("that says the tool failed, and whose file is there: the work is what counts", async () => {
    await using done = await run(
      "claude",
      claims(tool("Bash", { command: "echo hello > notes.txt", description: "d" }), "The tool failed."),
      ["--verify", "grep hello notes.txt"],
      [],
    );
    const { ran, packet, outcome, bench } = done;
    expect([ran.code, outcome!.verdict]).toEqual([0, "ACCEPT"]);
    expect(readFileSync(join(bench.workspace, "notes.txt"), "utf8")).toBe("hello\n");
    const [change] = packet.changes.listed;
    expect([change!.path, change!.by.client, change!.by.argv.join(" ")]).toEqual([
      ...["notes.txt", false, expect.stringContaining("echo hello > notes.txt")],
    ] as never);
    expect(packet.requests.map(({ slot, failed }) => [typeof slot, failed])).toEqual(
      packet.requests.map(() => ["string", 0]),
    );
  });
});
