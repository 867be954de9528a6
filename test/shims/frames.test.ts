// What comes out of the event pipe, however it was cut, and whatever a worker wrote into it.

import { describe, expect, test } from "bun:test";
import { makeFrameParser, type ShimEvent } from "#shims/frames.ts";

const NUL = "\0";
const fields = (...words: string[]) => words.map((word) => word + NUL).join("");

function parse(...pieces: Uint8Array[]): { events: ShimEvent[]; dropped: number } {
  const parser = makeFrameParser();
  return { events: pieces.flatMap((piece) => parser.push(piece)), dropped: parser.dropped() };
}

const started = (pid: number, tool: string, args: string[] | null, cwd = "/work"): ShimEvent => ({
  ...{ kind: "started", pid, cwd, tool, args },
});
const completed = (pid: number, code: number): ShimEvent => ({ kind: "completed", pid, code });

const B = (pid: string, tool: string, argc: string, ...args: string[]) =>
  fields("B", pid, "/work", tool, argc, ...args);
const E = (pid: string, code: string) => fields("E", pid, code);

const frames: [string, string, ShimEvent[]][] = [
  ["nothing", "", []],
  ["a start without arguments", B("12", "make", "0"), [started(12, "make", [])]],
  ["a start", B("12", "git", "3", "commit", "-m", "a b\nc"), [started(12, "git", ["commit", "-m", "a b\nc"])]],
  ["empty arguments", B("12", "git", "3", "", "", "x"), [started(12, "git", ["", "", "x"])]],
  ["a list too long to be told", B("12", "git", "-1"), [started(12, "git", null)]],
  ["an end", E("12", "0"), [completed(12, 0)]],
  ["an end by a signal", E("12", "143"), [completed(12, 143)]],
  [
    "a whole conversation",
    B("12", "npm", "1", "test") + B("13", "node", "1", "x.js") + E("13", "1") + E("12", "1"),
    [started(12, "npm", ["test"]), started(13, "node", ["x.js"]), completed(13, 1), completed(12, 1)],
  ],
  ["arguments that look like frames", B("1", "git", "3", "E", "1", "0"), [started(1, "git", ["E", "1", "0"])]],
  ["other alphabets", B("1", "git", "2", "Größe", "日本😀"), [started(1, "git", ["Größe", "日本😀"])]],
  ["an odd folder", fields("B", "1", "/a\n b\u001b[31m", "git", "0"), [started(1, "git", [], "/a\n b\u001b[31m")]],
  [
    "256 arguments",
    B("1", "git", "256", ...Array.from({ length: 256 }, () => "x")),
    [
      started(
        1,
        "git",
        Array.from({ length: 256 }, () => "x"),
      ),
    ],
  ],
];

describe("frames, cut in two at every byte and into single bytes", () => {
  for (const [name, text, events] of frames) {
    test(name, () => {
      const bytes = Buffer.from(text);
      for (let at = 0; at <= bytes.length; at++) {
        expect(parse(bytes.subarray(0, at), bytes.subarray(at))).toEqual({ events, dropped: 0 });
      }
      expect(parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual({ events, dropped: 0 });
    });
  }
});

test("a frame that is not whole yet is kept, and told once", () => {
  const parser = makeFrameParser();
  expect(parser.push(Buffer.from(fields("B", "1", "/w", "git", "2", "a")))).toEqual([]);
  expect(parser.push(Buffer.from("b"))).toEqual([]);
  expect(parser.push(Buffer.from(NUL))).toEqual([started(1, "git", ["a", "b"], "/w")]);
  expect([parser.push(new Uint8Array(0)), parser.dropped()]).toEqual([[], 0]);
});

test("two parsers share nothing", () => {
  const first = makeFrameParser();
  first.push(Buffer.from(fields("B", "1")));
  expect(parse(Buffer.from(E("2", "0")))).toEqual({ events: [completed(2, 0)], dropped: 0 });
});

describe("garbage is dropped and counted, and what follows is read", () => {
  const after = E("7", "0");
  const cases: [string, string, number][] = [
    ["a word", fields("hello"), 1],
    ["empty fields", fields("", "", ""), 3],
    ["a mark in lower case", fields("b"), 1],
    ["a mark with something behind it", fields("E1"), 1],
    ["an end with a pid in words", fields("E", "x", "0"), 3],
    ["an end with a code in words", fields("E", "1", ""), 3],
    ["an end with a fraction", fields("E", "1", "0.5"), 3],
    ["an end with another sign", fields("E", "1", "-2"), 3],
    ["an end with too large a number", fields("E", "1", "9999999999"), 3],
    ["an end with spaces", fields("E", " 1", "0"), 3],
    ["a start with a pid in words", fields("B", "$$", "/w", "git", "0"), 5],
    ["a start with a count in words", fields("B", "1", "/w", "git", "many"), 5],
    ["a start with a count in hexadecimal", fields("B", "1", "/w", "git", "0x2"), 5],
    ["a start with no count", fields("B", "1", "/w", "git", ""), 5],
    ["a start that announces too much", fields("B", "1", "/w", "git", "257"), 5],
    ["a start that announces everything", fields("B", "1", "/w", "git", "999999999"), 5],
  ];
  for (const [name, text, dropped] of cases) {
    test(name, () => {
      expect(parse(Buffer.from(text + after))).toEqual({ events: [completed(7, 0)], dropped });
    });
  }

  test("bytes that are no text", () => {
    const noise = Buffer.from([0xff, 0xc3, 0x00, 0xe2, 0x82, 0x00, 0x80, 0x00]);
    expect(parse(noise, Buffer.from(after))).toEqual({ events: [completed(7, 0)], dropped: 3 });
  });

  test("a frame torn by a writer that died costs frames, never the parser", () => {
    const torn = fields("B", "1", "/w", "git", "2", "a");
    const { events } = parse(Buffer.from(torn + E("1", "0") + after + after));
    expect(events.at(-1)).toEqual(completed(7, 0));
  });

  test("random bytes, then a frame: nothing throws, and the parser comes back", () => {
    const seed = 20260102;
    let state = seed;
    const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
    for (let round = 0; round < 50; round++) {
      const parser = makeFrameParser();
      const noise = Uint8Array.from({ length: 2000 }, () => [0, 0x42, 0x45, 0x31, next()][next() % 5]!);
      parser.push(noise);
      // Longer than any list a frame of noise may have announced.
      const events = Array.from({ length: 300 }, () => parser.push(Buffer.from(after))).flat();
      expect(events.at(-1), `seed ${seed}, round ${round}`).toEqual(completed(7, 0));
    }
  });
});

describe("too much of it", () => {
  test("a field of 8 KiB is whole, a longer one is cut", () => {
    const long = "x".repeat(8192);
    expect(parse(Buffer.from(B("1", "git", "1", long)))).toEqual({ events: [started(1, "git", [long])], dropped: 0 });
    expect(parse(Buffer.from(B("1", "git", "1", `${long}yz`)))).toEqual({
      events: [started(1, "git", [long])],
      dropped: 0,
    });
  });

  test("a field without an end is not collected", () => {
    const parser = makeFrameParser();
    const piece = Buffer.alloc(64 * 1024, "x");
    for (let count = 0; count < 100; count++) expect(parser.push(piece)).toEqual([]);
    expect(parser.push(Buffer.from("\0"))).toEqual([]);
    expect(parser.dropped()).toBe(1);
    expect(parser.push(Buffer.from(NUL + E("7", "0")))).toEqual([completed(7, 0)]);
    expect(parser.dropped()).toBe(2);
  });

  test("ten thousand frames in one piece", () => {
    const { events, dropped } = parse(Buffer.from(E("7", "0").repeat(10_000)));
    expect([events.length, dropped]).toEqual([10_000, 0]);
  });
});
