import { describe, expect, test } from "bun:test";
import { formatSse, makeSseParser, type SseEvent } from "#src/wire/sse.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const message = (data: string): SseEvent => ({ event: "message", data });

function parse(pieces: Uint8Array[]): SseEvent[] {
  const parser = makeSseParser();
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

const table: [string, string, SseEvent[]][] = [
  ["one event", "data: a\n\n", [message("a")]],
  ["a name", "event: ping\ndata: {}\n\ndata: b\n\n", [{ event: "ping", data: "{}" }, message("b")]],
  ["several data lines", "data: a\ndata:\ndata: b\n\n", [message("a\n\nb")]],
  ["only the first space is cut", "data:a\n\ndata:  b\n\n", [message("a"), message(" b")]],
  ["field without a colon", "data\n\n", [message("")]],
  ["comments and unknown fields", ": hello\nid: 3\nretry: 10\nfoo: bar\ndata: a\n\n", [message("a")]],
  ["a name without data is nothing", "event: ping\n\ndata: a\n\n", [message("a")]],
  ["CRLF", "event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [{ event: "e", data: "a" }, message("b")]],
  ["CR", "data: a\rdata: b\r\rdata: c\r\r", [message("a\nb"), message("c")]],
  ["mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", [message("a"), message("b"), message("c")]],
  ["a byte order mark in front", "\ufeffdata: a\n\n", [message("a")]],
  ["characters of every length", "data: aä€👋\n\n", [message("aä€👋")]],
  ["no blank line at the end", "data: a\n\ndata: b", [message("a"), message("b")]],
  ["nothing", "", []],
];

describe("server-sent events, cut anywhere", () => {
  for (const [name, text, events] of table) {
    test(name, () => {
      const whole = bytes(text);
      expect(parse([whole])).toEqual(events);
      for (let at = 0; at <= whole.length; at++) {
        expect({ at, events: parse([whole.subarray(0, at), whole.subarray(at)]) }).toEqual({ at, events });
      }
      expect(parse(Array.from(whole, (_, at) => whole.subarray(at, at + 1)))).toEqual(events);
    });
  }

  test("an event beyond the cap is refused, however it comes", () => {
    const tooLarge = [
      ["data: 123456789", "0123456789\n\n"],
      ["data: 1234567\ndata: 1234567\n\n"],
      ["event: 0123456789abcdef0123\n"],
    ];
    for (const pieces of tooLarge) {
      const parser = makeSseParser(20);
      expect(() => pieces.forEach((piece) => parser.push(bytes(piece)))).toThrow(
        expect.objectContaining({ kind: "upstream" }) as unknown as Error,
      );
    }
  });

  test("the cap is for one event, not for the stream, and comments do not add up", () => {
    const parser = makeSseParser(20);
    for (let count = 0; count < 50; count++)
      expect(parser.push(bytes("data: 12345678\n\n"))).toEqual([message("12345678")]);
    for (let count = 0; count < 50; count++) expect(parser.push(bytes(": still here\n"))).toEqual([]);
  });

  test("a large event in small pieces takes linear time", () => {
    const parser = makeSseParser();
    const piece = bytes("x".repeat(64));
    parser.push(bytes("data: "));
    for (let count = 0; count < 100_000; count++) parser.push(piece);
    const [event] = parser.push(bytes("\n\n"));
    expect(event?.data.length).toBe(6_400_000);
  });
});

describe("formatSse", () => {
  const written: [string | undefined, string, string][] = [
    [undefined, "{}", "data: {}\n\n"],
    ["ping", "{}", "event: ping\ndata: {}\n\n"],
    [undefined, "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"],
  ];
  for (const [event, data, text] of written) {
    test(JSON.stringify(text), () => {
      expect(formatSse(event, data)).toBe(text);
      expect(parse([bytes(text)])).toEqual([{ event: event ?? "message", data: data.replaceAll(/\r\n?/g, "\n") }]);
    });
  }
});
