// The real clients where the host's files are shown: each works there as in its usual root, with the same home of the run's own.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeTree } from "#test/support/tree.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const shell = "cat ../data/f > copied.txt; cat ../data/secret >> copied.txt; echo done >> copied.txt";
const clients: [string, string[], ReturnType<typeof tool>][] = [
  ["claude", ["-p", "go"], tool("Bash", { command: shell, description: "d" })],
  ["codex", ["exec", "go"], tool("exec_command", { cmd: shell })],
  ["gemini", ["-p", "go"], tool("run_shell_command", { command: shell, description: "d" })],
];

describe.each(clients)("%s", (client, args, call) => {
  test.each([
    ["named", ["--allow-read=../data"]],
    ["the host's", ["--allow-read"]],
    ["everything", ["-A"]],
  ])(
    "%s",
    async (_, flags) => {
      using tree = makeTree("root", { "ws/a": "a", "data/f": "from-outside\n", "data/secret": "closed\n" }, "/var/tmp");
      await using upstream = await startUpstream(task([say(call), say("All done.")]));
      await tree.answerFrom(upstream.url);
      const words = ["harness", "run", "--client", client, "--deny-read=../data/secret", ...flags, "--", ...args];
      const ran = await tree.broke(words, { cwd: tree.ws });
      expect({ code: ran.code, said: ran.stdout.trim().split("\n").at(-1) }).toEqual({ code: 0, said: "All done." });
      expect(readFileSync(join(tree.ws, "copied.txt"), "utf8")).toBe("from-outside\ndone\n");
    },
    60_000,
  );
});
