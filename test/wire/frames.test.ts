// The cutter of events, under every way the bytes can be cut.

import { expect, test } from "bun:test";
import { makeFrameSplitter } from "#src/wire/frames.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (piece: Uint8Array) => new TextDecoder().decode(piece);

const streams: [string, string, string[], string][] = [
  ["two events", "event: a\ndata: 1\n\ndata: 2\n\n", ["event: a\ndata: 1\n\n", "data: 2\n\n"], ""],
  ["lines that end in CRLF", "data: 1\r\n\r\ndata: 2\r\n\r\n", ["data: 1\r\n\r\n", "data: 2\r\n\r\n"], ""],
  ["both kinds of line ends", "data: 1\n\r\ndata: 2\r\n\n", ["data: 1\n\r\n", "data: 2\r\n\n"], ""],
  ["an event without its blank line", "data: 1\n\ndata: 2\n", ["data: 1\n\n"], "data: 2\n"],
  ["half a line", "data: 1\n\ndat", ["data: 1\n\n"], "dat"],
  ["a comment and empty lines", ": hello\n\n\n\ndata: 1\n\n", [": hello\n\n", "\n", "\n", "data: 1\n\n"], ""],
  ["a CR inside a line", "data: a\rb\n\n", ["data: a\rb\n\n"], ""],
  ["two CRs before a line end", "data: 1\n\r\r\n\n", ["data: 1\n\r\r\n\n"], ""],
  ["characters of several bytes", "data: 世界 👋\n\n", ["data: 世界 👋\n\n"], ""],
  ["nothing", "", [], ""],
];

for (const [name, whole, frames, rest] of streams) {
  test(name, () => {
    const all = bytes(whole);
    const cuts = [[all], Array.from(all, (_, at) => all.subarray(at, at + 1))];
    for (let at = 1; at < all.length; at++) cuts.push([all.subarray(0, at), all.subarray(at)]);
    for (const pieces of cuts) {
      const splitter = makeFrameSplitter();
      const got = pieces.flatMap((piece) => splitter.push(piece).map(text));
      expect({ got, rest: text(splitter.rest()) }).toEqual({ got: frames, rest });
    }
  });
}

test("an event beyond the cap is refused, however it comes; many small ones are not", () => {
  for (const size of [1, 7, 1000]) {
    const splitter = makeFrameSplitter(100);
    expect(() => {
      for (let sent = 0; sent < 200; sent += size) splitter.push(bytes("x".repeat(size)));
    }).toThrow("too large");
  }
  const splitter = makeFrameSplitter(100);
  for (let index = 0; index < 1000; index++) expect(splitter.push(bytes("data: 12345\n\n"))).toHaveLength(1);
});
