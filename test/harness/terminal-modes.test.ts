// What a killed client left on in the terminal, wherever its output was cut into pieces.

import { describe, expect, test } from "bun:test";
import { trackModes } from "#harness/terminal-modes.ts";

const ESC = "\u001b";
const on = (modes: string) => `${ESC}[?${modes}h`;
const off = (modes: string) => `${ESC}[?${modes}l`;

function undoAfter(...pieces: (string | Uint8Array)[]): string {
  const tracker = trackModes();
  for (const piece of pieces) tracker.watch(typeof piece === "string" ? Buffer.from(piece) : piece);
  return tracker.undo();
}

const UNDONE = ["47", "1047", "1049", "1000", "1002", "1003", "1004", "1005", "1006", "1015", "2004"];

const cases: [string, string, string][] = [
  ["nothing", "", ""],
  ["plain text", "hello\r\nworld 1049h ?25l\r\n", ""],
  ["colours and cursor movements", `${ESC}[31mred${ESC}[0m${ESC}[2J${ESC}[10;5H`, ""],
  ...UNDONE.map((mode): [string, string, string] => [`mode ${mode} left on`, `a${on(mode)}b`, off(mode)]),
  ...UNDONE.map((mode): [string, string, string] => [`mode ${mode} on and off`, `${on(mode)}text${off(mode)}`, ""]),
  ["off without on", off("1049"), ""],
  ["on, off, on", on("2004") + off("2004") + on("2004"), off("2004")],
  ["twice on is once off", on("1049") + on("1049"), off("1049")],
  ["several, in the order they came", on("1049") + on("2004") + on("1006"), off("1049") + off("2004") + off("1006")],
  ["one of several off again", on("1049") + on("2004") + off("1049"), off("2004")],
  ["several in one sequence", on("1000;1002;1006"), off("1000") + off("1002") + off("1006")],
  ["several in one sequence, off together", on("1000;1002;1006") + off("1006;1000;1002"), ""],
  ["a hidden cursor", off("25"), on("25")],
  ["a cursor hidden and shown", off("25") + on("25"), ""],
  ["a shown cursor was never hidden", on("25"), ""],
  ["a cursor hidden beside a mode left on", off("25") + on("1049"), off("1049") + on("25")],
  ["a cursor hidden in a list", on("1049") + off("1049;25"), on("25")],
  ["modes that are not ours to undo", on("1;7;12;2026"), ""],
  ["a mode without the question mark is another one", `${ESC}[1049h${ESC}[25l`, ""],
  ["a request for a mode's state changes nothing", `${on("2004")}${ESC}[?2004$p`, off("2004")],
  ["an escape in front of a sequence", ESC + on("1049"), off("1049")],
  ["a sequence broken by another", `${ESC}[?10${on("2004")}`, off("2004")],
  ["non-ASCII text around", `äöü€😀${on("1049")}日本語${off("25")}✓`, off("1049") + on("25")],
];

describe("in one piece", () => {
  for (const [name, output, undo] of cases) test(name, () => expect(undoAfter(output)).toBe(undo));
});

describe("cut in two at every byte, and into single bytes", () => {
  for (const [name, output, undo] of cases) {
    test(name, () => {
      const bytes = Buffer.from(output);
      const cuts = Array.from({ length: bytes.length + 1 }, (_, at) =>
        undoAfter(bytes.subarray(0, at), bytes.subarray(at)),
      );
      expect(cuts).toEqual(cuts.map(() => undo));
      expect(undoAfter(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBe(undo);
    });
  }
});

test("the longest list there can be, cut anywhere", () => {
  const list = `${"1049;".repeat(12)}2004`;
  expect(list.length).toBe(64);
  const bytes = Buffer.from(`${"x".repeat(100)}${on(list)}${"y".repeat(100)}`);
  for (let at = 0; at <= bytes.length; at++) {
    expect(undoAfter(bytes.subarray(0, at), bytes.subarray(at))).toBe(off("1049") + off("2004"));
  }
});

test("a sequence without an end is forgotten, and what comes after it is seen", () => {
  expect(undoAfter(`${ESC}[?`, "1".repeat(100_000), "h", on("2004"))).toBe(off("2004"));
});

test("asking does not change what is known", () => {
  const tracker = trackModes();
  tracker.watch(Buffer.from(on("1049")));
  expect([tracker.undo(), tracker.undo()]).toEqual([off("1049"), off("1049")]);
  tracker.watch(Buffer.from(off("1049")));
  expect(tracker.undo()).toBe("");
});

test("two trackers know nothing of each other", () => {
  const first = trackModes();
  first.watch(Buffer.from(on("1049")));
  expect(trackModes().undo()).toBe("");
});
