// Our own agent in a session, in strict, on scripted models: tasks whose tools must really have worked, each in a workspace of its own.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastResults, openHeadless, rawCall } from "#test/support/headless.ts";
import { type Part, type Reply, say, task, tool } from "#test/support/upstream/script.ts";

const run = (command: string) => tool("run_command", { command });
const edit = (path: string, old_text: string, new_text: string) => tool("edit_file", { path, old_text, new_text });
const read = (path: string, more: { from_line?: number; lines?: number } = {}) => tool("read_file", { path, ...more });

type Task = {
  files: Record<string, string>;
  steps: Reply[];
  /** Files as they must be afterwards. */
  after?: Record<string, string>;
  statuses: string[];
  /** What was asked about. */
  asked: string[];
  permit?: (title: string) => string;
  /** Of the results of each step's tools: what stands in them. */
  results: (string | RegExp)[][];
};

const long = (lines: number) => Array.from({ length: lines }, (_, at) => `line ${at + 1}`).join("\n");

const tasks: Record<string, Task> = {
  "a bug is found by its test, mended by an edit, and the test passes": {
    files: {
      "add.sh": "add() { echo $(($1 - $2)); }\n",
      "test.sh": '. ./add.sh\n[ "$(add 2 3)" = 5 ] && echo passed || { echo failed; exit 1; }\n',
    },
    steps: [
      say("Let me look.", run("sh test.sh")),
      say(read("add.sh")),
      say(edit("add.sh", "$1 - $2", "$1 + $2")),
      say(run("sh test.sh")),
      say("It adds now."),
    ],
    after: { "add.sh": "add() { echo $(($1 + $2)); }\n" },
    statuses: ["completed", "completed", "completed", "completed"],
    asked: ["sh test.sh", "Edit add.sh", "sh test.sh"],
    results: [[/exit code 1[^]*failed/], ["1\tadd()"], ["changed in 1 place"], [/exit code 0[^]*passed/]],
  },
  "several files are read in one turn, beside each other, and answered in order": {
    files: { "a.txt": "alpha\n", "b.txt": "beta\n", "c.txt": long(3000) },
    steps: [
      say(read("a.txt"), read("b.txt"), read("c.txt", { from_line: 2500, lines: 2 }), read("none.txt")),
      say("Read."),
    ],
    statuses: ["completed", "completed", "completed", "failed"],
    asked: [],
    results: [
      ["1\talpha", "1\tbeta", /^2500\tline 2500\n2501\tline 2501\n\[lines 2502 to 3000 follow\]/, "no such file"],
    ],
  },
  "a name is changed in every file that uses it": {
    files: {
      "src/one.ts": "export const oldName = 1;\n",
      "src/two.ts": 'import { oldName } from "./one.ts";\nuse(oldName, oldName);\n',
      "node_modules/x/y.ts": "oldName\n",
    },
    steps: [
      say(tool("search", { pattern: "\\boldName\\b" })),
      say(
        edit("src/one.ts", "oldName", "newName"),
        tool("edit_file", { path: "src/two.ts", old_text: "oldName", new_text: "newName", all: true }),
      ),
      say(tool("search", { pattern: "oldName|newName", files: "**/*.ts" })),
      say("Renamed."),
    ],
    after: {
      "src/one.ts": "export const newName = 1;\n",
      "src/two.ts": 'import { newName } from "./one.ts";\nuse(newName, newName);\n',
      "node_modules/x/y.ts": "oldName\n",
    },
    statuses: ["completed", "completed", "completed", "completed"],
    asked: ["Edit src/one.ts", "Edit src/two.ts"],
    results: [
      [/^src\/one\.ts:1:export[^]*src\/two\.ts:2:use\(oldName, oldName\);\n$/],
      ["changed in 1 place.", "changed in 3 places"],
      [/^((?!oldName)[^])*$/],
    ],
  },
  "a folder is listed, not what is in .git, and a pattern that is none is said to be none": {
    files: { "deep/er/file.txt": "x\n", ".git/config": "secret\n" },
    steps: [
      say(tool("list_files", { depth: 3 }), tool("search", { pattern: "(" }), tool("search", { pattern: "secret" })),
      say("Looked."),
    ],
    statuses: ["completed", "failed", "completed"],
    asked: [],
    results: [
      [/\n\.git\/\n(?!\.git\/)[^]*deep\/\ndeep\/er\/\ndeep\/er\/file\.txt/, "no regular expression", "[no match]"],
    ],
  },
  "arguments that are no JSON, or not those of the tool, are said to be so and mended": {
    files: { "a.txt": "alpha\n" },
    steps: [
      rawCall("read_file", '{"path": "a.txt'),
      say(tool("read_file", { file: "a.txt" })),
      say(tool("read_fil", { path: "a.txt" })),
      say(read("a.txt")),
      say("Mended."),
    ],
    statuses: ["failed", "failed", "failed", "completed"],
    asked: [],
    results: [
      ["not one JSON object"],
      ['"path" is missing; there is no "file"'],
      ["There is no tool of that name; there are: read_file"],
      ["1\talpha"],
    ],
  },
  "an edit whose text stands there twice changes nothing until it is mended": {
    files: { "a.txt": "one = 1\ntwo = 1\n" },
    steps: [
      say(edit("a.txt", "= 1", "= 2")),
      say(edit("a.txt", "three", "four")),
      say(edit("a.txt", "two = 1", "two = 2")),
      say("Changed."),
    ],
    after: { "a.txt": "one = 1\ntwo = 2\n" },
    statuses: ["failed", "failed", "completed"],
    asked: ["Edit a.txt"],
    results: [["is in it 2 times"], ["is not in it"], ["changed in 1 place"]],
  },
  "of an output without end the beginning and the end are shown": {
    files: {},
    steps: [say(run("echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last; exit 3")), say("Seen.")],
    statuses: ["completed"],
    asked: [expect.stringContaining("echo first") as unknown as string],
    results: [[/^\[exit code 3\]\nfirst\nx+\n\[19\d{6} characters left out\]\nx+\nlast\n$/]],
  },
  "what the user does not allow is not done, and the model is told": {
    files: { "a.txt": "alpha\n" },
    permit: () => "reject",
    steps: [
      say(run("touch made"), edit("a.txt", "alpha", "beta"), tool("write_file", { path: "b.txt", content: "b" })),
      say("I could not."),
    ],
    after: { "a.txt": "alpha\n" },
    statuses: ["failed", "failed", "failed"],
    asked: ["touch made", "Edit a.txt", "Write b.txt"],
    results: [["did not allow", "did not allow", "did not allow"]],
  },
  "what a command leaves in the background is ended with it, and said": {
    files: {},
    steps: [
      say(run("setsid sleep 1000 & (sleep 1001 &) ; echo started")),
      say(run("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 100[01]' || echo none")),
      say("Clean."),
    ],
    statuses: ["completed", "completed"],
    asked: [
      expect.stringContaining("setsid") as unknown as string,
      expect.stringContaining("none") as unknown as string,
    ],
    results: [["what it left in the background was ended]\nstarted"], [/none\n$/]],
  },
  "files are made with their folders, as they were written, and odd ones are refused": {
    files: { "crlf.txt": "\ufeffone\r\ntwo\r\n" },
    steps: [
      say(run("mkfifo pipe; printf '\\377\\376' > latin.txt; printf 'a\\0b' > binary.txt")),
      say(
        tool("write_file", { path: "new/folder/file.txt", content: "ünï\n" }),
        edit("crlf.txt", "one\r\n", "1\r\n"),
        read("pipe"),
        edit("latin.txt", "a", "b"),
        read("binary.txt"),
        read("/dev/zero"),
      ),
      say("Made."),
    ],
    after: { "new/folder/file.txt": "ünï\n", "crlf.txt": "\ufeff1\r\ntwo\r\n" },
    statuses: ["completed", "completed", "completed", "failed", "failed", "failed", "failed"],
    asked: [expect.stringContaining("mkfifo") as unknown as string, "Write new/folder/file.txt", "Edit crlf.txt"],
    results: [
      ["exit code 0"],
      ["was written, 6 bytes", "changed in 1 place", "not a plain file", "not UTF-8", "not text", "not a plain file"],
    ],
  },
};

test.each(Object.entries(tasks))(
  "%s",
  async (_, { files, steps, after = {}, statuses, asked, permit = () => "allow", results }) => {
    await using work = await openHeadless({ script: task(steps), files, permit });
    const { stopReason } = await work.ask("Do it.");
    expect(work.server.faults).toEqual([]);
    expect([stopReason, work.statuses(), work.asked]).toEqual(["end_turn", statuses, asked]);
    const last = steps.at(-1)!;
    const end = last.kind === "say" ? (last.parts[0] as Extract<Part, { kind: "text" }>).text : "";
    expect(work.said().endsWith(end)).toBe(true);
    const shown = work.upstream.asked().slice(1).map(lastResults);
    expect(shown.map((texts) => texts.length)).toEqual(results.map((each) => each.length));
    for (const [step, each] of results.entries())
      for (const [at, what] of each.entries())
        if (typeof what === "string") expect(shown[step]![at]).toContain(what);
        else expect(shown[step]![at]).toMatch(what);
    const now = Object.fromEntries(
      Object.keys(after).map((path) => [path, readFileSync(join(work.bench.workspace, path), "utf8")]),
    );
    expect(now).toEqual(after);
  },
  120_000,
);
