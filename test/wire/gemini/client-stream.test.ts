// Canonical events as a Gemini client sees them: one case a file, and what holds of every stream.

import { describe, expect, test } from "bun:test";
import type { HubEvent } from "#src/wire/canonical.ts";
import type { AnswerMeta } from "#src/wire/dialect.ts";
import { geminiInbound } from "#src/wire/gemini/codec.ts";
import { clientChunks, loadCases, type Members, META, partsOf, readChunks } from "./cases.ts";

type StreamCase = { events: HubEvent[]; meta?: Partial<AnswerMeta>; client: Members[] };
const cases = loadCases<StreamCase>("gemini/client-stream");

describe("canonical events become a Gemini stream", () => {
  for (const { name, events, meta, client } of cases) {
    test(name, () => {
      expect(clientChunks(events, { ...META, ...meta })).toEqual(client);
    });
  }
});

describe("every chunk is one that Gemini CLI keeps", () => {
  for (const { name, events } of cases) {
    test(name, () => {
      const chunks = clientChunks(events);
      // It throws a whole chunk away when a part of it says nothing: only the last one may.
      for (const part of partsOf(chunks.slice(0, -1))) {
        expect(part["text"] === "" && part["thoughtSignature"] === undefined).toBe(false);
      }
      const calls = partsOf(chunks).flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
      for (const call of calls) {
        expect(call).toEqual({ id: expect.any(String), name: expect.any(String), args: expect.any(Object) });
      }
    });
  }
});

describe("every stream that is cut fails", () => {
  const failure = { status: 502, type: "server", message: "cut" } as const;
  for (const { name, events } of cases) {
    test(name, () => {
      for (let count = 0; count < events.length; count++) {
        const encoder = geminiInbound.encodeStream(META);
        const before = events.slice(0, count).map((event) => encoder.push(event));
        expect(before.join("")).not.toContain('"finishReason"');
        const text = encoder.fail(failure);
        expect(readChunks(text)).toEqual([{ error: { code: 502, message: "cut", status: "INTERNAL" } }]);
        const after = [
          encoder.fail(failure),
          encoder.push(events.at(-1)!),
          encoder.push({ kind: "start" }),
          encoder.ping(),
        ];
        expect(after).toEqual(["", "", "", ""]);
      }
    });
  }

  test("says to wait no longer than a header would", () => {
    const text = geminiInbound.encodeStream(META).fail({ ...failure, retryAfterMs: 7_200_000 });
    expect(text).toContain('"retryDelay":"60s"');
  });

  test("also for readers that see an end in every blank line", () => {
    const text = geminiInbound.encodeStream(META).fail(failure);
    const left = text.slice(text.lastIndexOf("\n\n") + 2);
    expect(left.trim()).not.toBe("");
    expect(left.startsWith(":")).toBe(true);
  });
});

test("what has ended does not fail", () => {
  const encoder = geminiInbound.encodeStream(META);
  encoder.push({ kind: "stop", stop: { kind: "end" } });
  expect(encoder.fail({ status: 502, type: "server", message: "cut" })).toBe("");
});

test("pings are comments", () => {
  expect(geminiInbound.encodeStream(META).ping()).toBe(": keep-alive\n\n");
});
