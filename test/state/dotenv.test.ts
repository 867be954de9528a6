// The one parser of key files.

import { describe, expect, test } from "bun:test";
import { parseDotenv } from "#src/state/dotenv.ts";

const good: [string, string, Record<string, string>][] = [
  ["plain", "A=1\nB=two words", { A: "1", B: "two words" }],
  ["export, spaces, blank lines, comments", "export A = 1\n\n# B=2\n  C=3  ", { A: "1", C: "3" }],
  ["CRLF and a byte order mark", "\ufeffA=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["an equals sign in the value", "A=b=c==", { A: "b=c==" }],
  ["a comment behind a value", "A=1 # one\nB=a#b\nC='a # b' # c", { A: "1", B: "a#b", C: "a # b" }],
  ["no value, and a comment in its place", "A=\nB= # later\nC=#x", { A: "", B: "", C: "" }],
  ["quotes that take everything as it is", "A='a \"b\" \\n $C'", { A: 'a "b" \\n $C' }],
  ["quotes with escapes", 'A="a\\nb\\t\\"c\\" \\\\ \\$D \\x"', { A: 'a\nb\t"c" \\ $D \\x' }],
  ["the later of two", "A=1\nA=2", { A: "2" }],
  ["nothing is expanded", "A=$HOME\nB=`id`", { A: "$HOME", B: "`id`" }],
  ["nothing at all", "", {}],
];
for (const [name, text, values] of good)
  test(name, () => expect(Object.fromEntries(parseDotenv(text, "f"))).toEqual(values));

describe("refused with the line's number, and without the line", () => {
  for (const line of [
    "just secret words",
    "=secret",
    "1A=secret",
    "A-B=secret",
    "A='secret",
    'A="secret',
    "A='a'secret",
    "export A",
  ]) {
    test(line, () => {
      expect(() => parseDotenv(`X=1\n${line}\n`, "the file")).toThrow(
        expect.objectContaining({ kind: "config", message: "the file line 2 is not NAME=value" }),
      );
    });
  }
});
