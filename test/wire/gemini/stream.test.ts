// A Gemini stream in canonical events: one case a file, then the same under every way the bytes can be cut.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { bytesOf, callFor, chunkText, clientChunks, decodePieces, loadCases, partsOf, singly } from "./cases.ts";

type StreamCase = {
  request?: Partial<CanonicalRequest>;
  quirks?: Partial<Quirks>;
  upstream: Json[];
  events: HubEvent[];
};

const cases = loadCases<StreamCase>("gemini/stream");
const run = ({ request, quirks }: StreamCase, pieces: Iterable<Uint8Array>) =>
  decodePieces(callFor(request, quirks, true).decodeStream(), pieces);
const isLast = ({ kind }: HubEvent) => kind === "stop" || kind === "error";

describe("a Gemini stream becomes canonical", () => {
  for (const each of cases) {
    test(each.name, () => {
      expect(run(each, [bytesOf(each.upstream.map(chunkText).join(""))])).toEqual(each.events);
    });
  }
});

describe("how the bytes are cut makes no difference", () => {
  for (const each of cases) {
    test(each.name, () => {
      const text = each.upstream.map(chunkText).join("");
      const bytes = bytesOf(text);
      const wanted = JSON.stringify(each.events);
      for (let at = 1; at < bytes.length; at++) {
        const got = JSON.stringify(run(each, [bytes.subarray(0, at), bytes.subarray(at)]));
        if (got !== wanted) expect({ at, got }).toEqual({ at, got: wanted });
      }
      expect(run(each, singly(bytes))).toEqual(each.events);
      expect(run(each, singly(bytesOf(text.replaceAll("\r\n", "\n"))))).toEqual(each.events);
    });
  }
});

describe("every answer ends once, and only a finished one ends well", () => {
  for (const each of cases) {
    test(each.name, () => {
      const texts = each.upstream.map(chunkText);
      const end = texts.findIndex((text) => /"(finishReason|blockReason)"/.test(text));
      for (let count = 0; count <= texts.length; count++) {
        const events = run(each, [bytesOf(texts.slice(0, count).join(""))]);
        const last = events.filter(isLast);
        expect(last.length).toBe(1);
        expect(events.at(-1)).toBe(last[0]!);
        if (end < 0 || count <= end) expect(last[0]?.kind).toBe("error");
      }
    });
  }
});

describe("every block is begun once, before anything of it, and nothing follows its end", () => {
  for (const each of cases) {
    test(each.name, () => {
      const phases = new Map<string, "open" | "over">();
      for (const event of each.events) {
        if (!("key" in event)) continue;
        expect(phases.get(event.key)).toBe(event.kind === "blockStart" ? undefined : "open");
        phases.set(event.key, event.kind === "blockEnd" ? "over" : "open");
      }
    });
  }
});

describe("the same answer goes on to a Gemini client", () => {
  for (const { name, events } of cases) {
    test(name, () => {
      const client = clientChunks(events);
      const failed = events.at(-1)?.kind === "error";
      const ends = client.filter((chunk) => JSON.stringify(chunk).includes('"finishReason"'));
      expect(ends).toEqual(failed ? [] : [client.at(-1)!]);
      expect("error" in client.at(-1)!).toBe(failed);
      const keys = new Set(
        events.flatMap((event) => (event.kind === "blockStart" && event.head.kind === "text" ? [event.key] : [])),
      );
      const said = events.flatMap((event) => (event.kind === "delta" && keys.has(event.key) ? [event.text] : []));
      const told = partsOf(client).flatMap(({ text, thought }) => (typeof text === "string" && !thought ? [text] : []));
      expect(told.join("")).toBe(said.join(""));
    });
  }
});
