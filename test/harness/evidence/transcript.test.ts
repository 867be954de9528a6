// What a client wrote, as a recording: whole lines, markers, bounds.

import { describe, expect, test } from "bun:test";
import { makeRedactor } from "#src/core/text.ts";
import { recordTranscript } from "#harness/evidence/transcript.ts";

const AT = 1_800_000_000_000;
function begin(limits = { head: 1000, tail: 1000, markers: 10 }) {
  let now = AT;
  const recording = recordTranscript(
    { columns: 80, rows: 24, title: "t", pieces: makeRedactor(["a value of\ntwo lines"]).stream },
    () => now,
    limits,
  );
  return {
    at: (ms: number) => (now = AT + ms),
    write: (text: string | Uint8Array) => recording.output(typeof text === "string" ? Buffer.from(text) : text),
    mark: (seq: number, event: string, data = {}) => recording.mark({ seq, event, data }),
    end: (code: number | null = 0) => recording.finish({ code }),
  };
}

test("is asciinema's third version: a header, intervals, output, sizes, markers and the exit", () => {
  const it = begin();
  it.at(100);
  it.write("one\n");
  it.at(150);
  it.mark(7, "session.resized", { columns: 100, rows: 30 });
  it.at(1150);
  it.write("two\n");
  it.at(1200);
  expect(it.end(3)).toEqual({
    lines: [
      { version: 3, term: { cols: 80, rows: 24 }, timestamp: AT / 1000, title: "t" },
      [0.1, "o", "one\n"],
      [0.05, "r", "100x30"],
      [0, "m", "7 session.resized"],
      [1, "o", "two\n"],
      [0.05, "x", "3"],
    ],
    cut: 0,
  });
});

describe("a secret that comes in pieces is not recorded", () => {
  const pieces = (it: ReturnType<typeof begin>) =>
    it.end().lines.flatMap((line) => (Array.isArray(line) && line[1] === "o" ? [line[2]] : []));

  test("at a line's end, however slowly the line comes", () => {
    const it = begin();
    for (const [index, part] of ["to", "ken=abc", "defgh\nnext"].entries()) {
      it.at(index * 1000);
      it.write(part);
    }
    it.at(9000);
    it.write(" one\n");
    expect(pieces(it)).toEqual(["token=[redacted]\n", "next one\n"]);
  });

  test("of two lines, the second of which is in a piece of its own, and far on", () => {
    const it = begin({ head: 10_000, tail: 10_000, markers: 1 });
    for (const [index, part] of ["a value of\n", "two lines\n", "x".repeat(2000), "\n"].entries()) {
      it.at(index * 1000);
      it.write(part);
    }
    expect(pieces(it).join("")).toBe(`[redacted]\n${"x".repeat(2000)}\n`);
  });

  test("over the end of what is kept of the beginning", () => {
    const it = begin({ head: 12, tail: 1000, markers: 1 });
    it.write("a value of\n");
    it.at(1000);
    it.write("two lines\n");
    expect(pieces(it).join("")).toBe("[redacted]\n");
  });

  test("to the end of a key", () => {
    const it = begin();
    for (const [index, part] of ["-----BEGIN PRIVATE KEY-----\n", "abc\n", "-----END PRIVATE KEY-----\n"].entries()) {
      it.at(index * 1000);
      it.write(part);
    }
    expect(pieces(it)).toEqual(["[redacted]", "\n"]);
  });

  test("not inside a character", () => {
    const it = begin();
    const [first, second] = [Buffer.from("é\n").subarray(0, 1), Buffer.from("é\n").subarray(1)];
    it.write(first);
    it.at(1000);
    it.write(second);
    expect(pieces(it)).toEqual(["é\n"]);
  });
});

test("beginning and end are kept, the middle is counted", () => {
  const it = begin({ head: 10, tail: 20, markers: 10 });
  for (let index = 0; index < 100; index++) {
    it.at(index * 100);
    it.write(`line ${String(index).padStart(2, "0")}\n`);
  }
  const { lines, cut } = it.end();
  const text = lines.flatMap((line) => (Array.isArray(line) && line[1] === "o" ? [line[2]] : [])).join("");
  expect([text, cut]).toEqual(["line 00\nline 98\nline 99\n", 97 * 8]);
});

test("events that follow one another at once, and those beyond the bound, share a marker", () => {
  const it = begin({ head: 10, tail: 10, markers: 3 });
  for (let seq = 1; seq <= 40; seq++) {
    it.at(seq <= 20 ? seq : seq * 100);
    it.mark(seq, seq <= 20 ? "command.observed" : seq % 2 ? "a" : "b");
  }
  const marks = it.end(null).lines.flatMap((line) => (Array.isArray(line) && line[1] === "m" ? [line[2]] : []));
  expect(marks).toEqual(["1-20 command.observed", "21 a", "22-40 and more"]);
});
