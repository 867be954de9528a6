// What a runner of GitHub's would take as a command is none any more, however the bytes are cut; everything else is untouched.

import { expect, test } from "bun:test";
import { guardCommands } from "#harness/report/command-guard.ts";
import { seeded } from "#test/support/random.ts";

/** As the runner decides it: actions/runner, src/Runner.Common/ActionCommand.cs. */
const isCommand = (line: string) => line.trimStart().startsWith("::") || line.includes("##[");
const commandsIn = (text: string) => text.split(/\r\n|\r|\n/).filter(isCommand);

function guarded(text: string, pieceBytes: number): string {
  const guard = guardCommands();
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(guard(bytes.subarray(at, at + pieceBytes)));
  return Buffer.concat(pieces).toString("utf8");
}

const hostile = [
  "::error::x",
  "ok\n::set-output name=a::b\n",
  "  \t::add-mask::x",
  "\u00a0\u3000::stop-commands::x",
  "a\r::warning::x",
  "a ##[error]b",
  ":::debug::x",
  "##[group]",
  "{}\n::endgroup::",
];

test.each(hostile)("%j is no command", (text) => {
  expect(commandsIn(text).length).toBeGreaterThan(0);
  for (const size of [1, 2, 3, 5, 4096]) expect(commandsIn(guarded(text, size))).toEqual([]);
});

test.each(["a::b", "std::vector<int>\n", '{"a":"::"}\n', "# [x] ## [y]\n", "", "12:30:45 done\n", "a\n b::c"])(
  "%j passes as it is",
  (text) => {
    for (const size of [1, 3, 4096]) expect(guarded(text, size)).toBe(text);
  },
);

test("of any text no line is a command, and taking the spaces out again gives the text", () => {
  const random = seeded(20261127);
  const letters = [":", ":", "#", "#", "[", "\n", "\r", " ", "\t", "é", "\u2003", "x"];
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 1 + random.below(24) }, () => letters[random.below(letters.length)]!).join("");
    const out = guarded(text, 1 + random.below(6));
    expect(commandsIn(out)).toEqual([]);
    const bare = (words: string) => words.replaceAll(" ", "");
    expect(bare(out)).toBe(bare(text));
  }
});
