// A Responses stream in canonical events: one case a file, then the same under every way the bytes can be cut.

import { describe, expect, test } from "bun:test";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { Json } from "#src/core/json.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { bytesOf, decodePieces, loadCases, type Members } from "../cases.ts";
import { callFor, clientEvents, eventText } from "./cases.ts";

type StreamCase = {
  request?: Partial<CanonicalRequest>;
  quirks?: Partial<Quirks>;
  upstream: Json[];
  events: HubEvent[];
};

const cases = loadCases<StreamCase>("responses/stream");
const run = ({ request, quirks }: StreamCase, pieces: Iterable<Uint8Array>) =>
  decodePieces(callFor(request, quirks, true).decodeStream(), pieces);
const isLast = ({ kind }: HubEvent) => kind === "stop" || kind === "error";

describe("a Responses stream becomes canonical", () => {
  for (const each of cases) {
    test(each.name, () => {
      expect(run(each, [bytesOf(each.upstream.map(eventText).join(""))])).toEqual(each.events);
    });
  }
});

describe("how the bytes are cut makes no difference", () => {
  for (const each of cases) {
    test(each.name, () => {
      const text = each.upstream.map(eventText).join("");
      const bytes = bytesOf(text);
      const wanted = JSON.stringify(each.events);
      for (let at = 1; at < bytes.length; at++) {
        const got = JSON.stringify(run(each, [bytes.subarray(0, at), bytes.subarray(at)]));
        if (got !== wanted) expect({ at, got }).toEqual({ at, got: wanted });
      }
      const single = (all: Uint8Array) => Array.from(all, (_, at) => all.subarray(at, at + 1));
      expect(run(each, single(bytes))).toEqual(each.events);
      expect(run(each, single(bytesOf(text.replaceAll("\n", "\r\n"))))).toEqual(each.events);
    });
  }
});

describe("every answer ends once, and only a finished one ends well", () => {
  for (const each of cases) {
    test(each.name, () => {
      const texts = each.upstream.map(eventText);
      const end = texts.findIndex((text) => /response\.(completed|incomplete)["\n]/.test(text));
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
        const phase = phases.get(event.key);
        expect(phase).toBe(event.kind === "blockStart" ? undefined : "open");
        phases.set(event.key, event.kind === "blockEnd" ? "over" : "open");
      }
    });
  }
});

describe("the same answer goes on to a Responses client", () => {
  const texts = (events: Members[], name: string) =>
    events.filter(({ type }) => type === `response.${name}.delta`).map(({ delta }) => delta as string);

  for (const { name, events } of cases) {
    test(name, () => {
      const client = clientEvents(events);
      expect(client.map((event) => event["sequence_number"])).toEqual(client.map((_, index) => index));
      const lastWords = client.filter(({ type }) => /^response\.(completed|incomplete|failed)$/.test(type as string));
      expect(lastWords).toEqual([client.at(-1)!]);
      expect(lastWords[0]?.["type"] === "response.failed").toBe(events.at(-1)?.kind === "error");
      const keys = new Set(
        events.flatMap((event) => (event.kind === "blockStart" && event.head.kind === "text" ? [event.key] : [])),
      );
      const said = events.flatMap((event) => (event.kind === "delta" && keys.has(event.key) ? [event.text] : []));
      expect(texts(client, "output_text").join("")).toBe(said.join(""));
      const added = client.filter(({ type }) => type === "response.output_item.added");
      expect(added.map((event) => event["output_index"])).toEqual(added.map((_, index) => index));
    });
  }
});
