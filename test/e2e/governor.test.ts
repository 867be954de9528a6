// A governor with the real clients over a scripted model: what was refused, and why, is what the model reads as the answer of its tool; a real test that
// is green frees it.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench, runIdOf } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, say, type Script, tool } from "#test/support/upstream/script.ts";

const shells: Record<string, (command: string) => Part> = {
  claude: (command) => tool("Bash", { command, description: "d" }),
  codex: (cmd) => tool("exec_command", { cmd }),
  gemini: (command) => tool("run_shell_command", { command, description: "d" }),
};

const commands = [
  "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do touch f$i; done; echo touched",
  "touch refused1; echo ended",
  "echo x > refused2; echo ended",
  "node --test",
  "touch freed; echo ended $?",
];

describe.each(["claude", "codex", "gemini"])("%s", (client) => {
  test("reads why its command was refused, by its name and by its shell's own words, and is freed by a green test", async () => {
    using bench = makeBench();
    const answers: string[] = [];
    const script: Script = (seen) => {
      if (seen.tools.length === 0) return say("A small task");
      const results = seen.history.flatMap((turn) => turn.results);
      answers.splice(0, answers.length, ...results.map((result) => JSON.stringify(result)));
      const next = commands[results.length];
      return next === undefined ? say("Done.") : say(shells[client]!(next));
    };
    await using upstream = await startUpstream(script);
    await bench.answerFrom(upstream.url);
    writeFileSync(join(bench.workspace, "a.test.js"), 'require("node:test")("a", () => {});\n');
    const ran = await bench.broke([
      ...["harness", "run", "--client", client, "--workspace", "direct", "--policy", "high_assurance"],
      ...["--retries", "0", "--task", "do it"],
    ]);
    const ledger = readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8");
    const files = ["refused1", "refused2", "freed"].map((name) => existsSync(join(bench.workspace, name)));
    expect({ files, refused: answers.slice(1, 3).map((answer) => answer.includes("broke: refused")) }).toEqual({
      ...{ files: [false, false, true], refused: [true, true] },
    });
    expect(ledger).toContain('"governor.intervened"');
  });
});
