// A client's own settings in the workspace: inert, and loaded by the real client only when the operator opened them by name.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task } from "#test/support/upstream/script.ts";

const cases: [string, string[], string[]][] = [
  ["closed", [], []],
  ["another name opened", ["--allow-protected=.mcp.json,.claude/skills"], []],
  ["one file opened", ["--allow-protected=.claude/settings.json"], ["sprung-settings.json"]],
  ["the folder opened", ["--allow-protected=.claude"], ["sprung-settings.json", "sprung-settings.local.json"]],
];
for (const [name, options, expected] of cases) {
  test(`Claude Code's hooks in the workspace: ${name}`, async () => {
    using bench = makeBench();
    await using upstream = await startUpstream(task([say("All done.")]));
    await bench.answerFrom(upstream.url);
    mkdirSync(join(bench.workspace, ".claude"));
    for (const file of ["settings.json", "settings.local.json"]) {
      const command = `touch ${bench.workspace}/sprung-${file}`;
      const hooks = { SessionStart: [{ hooks: [{ type: "command", command }] }] };
      writeFileSync(join(bench.workspace, ".claude", file), JSON.stringify({ hooks }));
    }
    const ran = await bench.broke(["harness", "run", ...options, "--", "-p", "go"]);
    const sprung = readdirSync(bench.workspace).filter((entry) => entry.startsWith("sprung"));
    expect({ code: ran.code, sprung: sprung.sort() }).toEqual({ code: 0, sprung: expected });
  });
}
