// What the embedded model says in the demo: look, find the mistake, mend it, test it, write it down. A model of no judgement at all: it says
// these things in this order, and everything else in the demo is real.

import { join } from "node:path";
import { say, type Script, task, tool } from "#test/support/upstream/script.ts";

/** The script for a workspace: Claude Code's own tools, with absolute paths as it wants them. */
export function demoScript(workspace: string): Script {
  const greet = join(workspace, "greet.sh");
  return task(
    [
      say("I'll run the test first.", tool("Bash", { command: "sh test.sh", description: "Run the test" })),
      say("The greeting is misspelt.", tool("Read", { file_path: greet })),
      say(tool("Edit", { file_path: greet, old_string: "Helo,", new_string: "Hello," })),
      say(
        tool("Bash", { command: "sh test.sh", description: "Run the test again" }),
        tool("Write", { file_path: join(workspace, "CHANGES.md"), content: "- The greeting is spelt right.\n" }),
      ),
      say("Fixed: the greeting said “Helo”. The test passes now, and CHANGES.md says so."),
    ],
    "Fix the greeting",
  );
}
