// A Gemini stream as one JSON array: whole at the end whatever came, and wherever it was cut.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeArrayWriter } from "#src/wire/gemini/array.ts";
import { geminiInbound } from "#src/wire/gemini/codec.ts";
import { bytesOf, META, singly } from "./cases.ts";

const text = (pieces: Iterable<Uint8Array>): string => {
  const writer = makeArrayWriter();
  const out = [...pieces].map((piece) => writer.push(piece));
  return new TextDecoder().decode(
    Buffer.concat([...out, writer.end(), writer.end(), writer.push(bytesOf("data: 1\n\n"))]),
  );
};
const sse = (...chunks: Json[]) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
const failure = geminiInbound.encodeStream(META).fail({ status: 429, type: "rate_limit", message: "slow" });
const error = { error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED" } };

const table: [string, string, Json[], string][] = [
  ["nothing", "", [], "[]"],
  ["one", sse({ a: 1 }), [{ a: 1 }], '[{"a":1}]'],
  ["several", sse({ a: "👋" }, { b: [] }, 3), [{ a: "👋" }, { b: [] }, 3], '[{"a":"👋"},\n{"b":[]},\n3]'],
  ["as Google writes it", sse({ a: 1 }).replaceAll("\n", "\r\n"), [{ a: 1 }], '[{"a":1}]'],
  ["nothing but keep-alives", ": keep-alive\n\n: keep-alive\n\n", [], "[\n\n]"],
  ["keep-alives between", `: keep-alive\n\n${sse(1)}: keep-alive\n\n${sse(2)}`, [1, 2], "[\n1\n,\n2]"],
  ["an error", sse({ a: 1 }) + failure, [{ a: 1 }, error], `[{"a":1},\n${JSON.stringify(error)}\n]`],
  ["nothing but an error", failure, [error], `[${JSON.stringify(error)}\n]`],
  ["what is no JSON", `${sse(1)}data: [DONE]\n\n`, [1], "[1\n]"],
  ["without a blank line at the end", sse({ a: 1 }).trimEnd(), [{ a: 1 }], '[{"a":1}]'],
  ["cut inside an event", `${sse(1)}data: {"a":`, [1], "[1\n]"],
  ["data on several lines", 'data: {"a":\ndata: 1}\n\n', [{ a: 1 }], '[{"a":\n1}]'],
];

describe("a stream becomes one array", () => {
  for (const [name, sent, elements, got] of table) {
    test(name, () => {
      const all = bytesOf(sent);
      expect(text([all])).toBe(got);
      expect(JSON.parse(got) as Json).toEqual(elements);
      for (let at = 0; at <= all.length; at++) expect(text([all.subarray(0, at), all.subarray(at)])).toBe(got);
      expect(text(singly(all))).toBe(got);
    });
  }

  test("every keep-alive is a byte on its way", () => {
    const writer = makeArrayWriter();
    const ping = bytesOf(geminiInbound.encodeStream(META).ping());
    expect([writer.push(ping).length, writer.push(ping).length]).toEqual([2, 1]);
  });

  test("cut anywhere, it is an array all the same", () => {
    const all = bytesOf(`: keep-alive\n\n${sse({ a: "👋" }, { b: { c: 1 } })}${failure}`);
    for (let at = 0; at <= all.length; at++) expect(JSON.parse(text([all.subarray(0, at)]))).toBeArray();
  });
});
