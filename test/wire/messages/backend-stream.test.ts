// An Anthropic stream in canonical events: one case a file, the same under every way the bytes can be cut, and as a Chat client sees it.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import { messagesOutbound } from "#src/wire/messages/codec.ts";
import { makeSseParser } from "#src/wire/sse.ts";
import { bytesOf, callTo, decodePieces, loadCases, type Members, META, single } from "../cases.ts";
import { clientChunks } from "../chat/cases.ts";

type StreamCase = { request?: Partial<CanonicalRequest>; upstream: Json[]; events: HubEvent[] };

const cases = loadCases<StreamCase>("messages-backend/stream");
const decoderFor = ({ request }: StreamCase) => callTo(messagesOutbound, request, {}, true).decodeStream();
const run = (each: StreamCase, pieces: Iterable<Uint8Array>) => decodePieces(decoderFor(each), pieces);
const isLast = ({ kind }: HubEvent) => kind === "stop" || kind === "error";

/** One event as Anthropic sends it; text goes out as it is. */
function eventText(event: Json): string {
  if (typeof event === "string") return event;
  return `event: ${(event as Members)["type"] as string}\ndata: ${JSON.stringify(event)}\n\n`;
}
const textOf = ({ upstream }: StreamCase) => upstream.map(eventText).join("");

describe("an Anthropic stream becomes canonical", () => {
  for (const each of cases) {
    test(each.name, () => {
      expect(run(each, [bytesOf(textOf(each))])).toEqual(each.events);
    });
  }
});

describe("how the bytes are cut makes no difference", () => {
  for (const each of cases) {
    test(each.name, () => {
      const bytes = bytesOf(textOf(each));
      const wanted = JSON.stringify(each.events);
      for (let at = 1; at < bytes.length; at++) {
        const got = JSON.stringify(run(each, [bytes.subarray(0, at), bytes.subarray(at)]));
        if (got !== wanted) expect({ at, got }).toEqual({ at, got: wanted });
      }
      expect(run(each, single(bytes))).toEqual(each.events);
      expect(run(each, single(bytesOf(textOf(each).replaceAll("\n", "\r\n"))))).toEqual(each.events);
    });
  }
});

describe("every answer ends once, and only a finished one ends well", () => {
  for (const each of cases) {
    test(each.name, () => {
      const bytes = bytesOf(textOf(each));
      const end = Buffer.from(bytes).lastIndexOf("message_stop");
      for (let at = 0; at <= bytes.length; at += 3) {
        const events = run(each, [bytes.subarray(0, at)]);
        const last = events.filter(isLast);
        expect(last.length).toBe(1);
        expect(events.at(-1)).toBe(last[0]!);
        if (end < 0 || at < end) expect(last[0]?.kind).toBe("error");
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

describe("a Chat client sees the same answer, cut or whole", () => {
  for (const each of cases) {
    test(each.name, () => {
      const bytes = bytesOf(textOf(each));
      const relay = (pieces: Iterable<Uint8Array>): string => {
        const [parser, decoder] = [makeSseParser(), decoderFor(each)];
        const encoder = chatInbound.encodeStream(META);
        const say = (events: HubEvent[]) => events.map((event) => encoder.push(event)).join("");
        let out = "";
        for (const piece of pieces) for (const event of parser.push(piece)) out += say(decoder.push(event));
        for (const event of parser.end()) out += say(decoder.push(event));
        return out + say(decoder.end());
      };
      const whole = relay([bytes]);
      expect(relay(single(bytes))).toBe(whole);
      const last = each.events.at(-1);
      expect(clientChunks(whole).at(-1) === "[DONE]").toBe(last?.kind === "stop");
      for (let at = 0; at < bytes.length; at += 11) {
        const chunks = clientChunks(relay([bytes.subarray(0, at)]));
        const errors = chunks.filter((chunk) => (chunk as Members)["error"] !== undefined);
        // Either it was over before the cut, or it failed and says so last.
        if (chunks.includes("[DONE]")) expect({ at, errors }).toEqual({ at, errors: [] });
        else expect({ at, errors }).toEqual({ at, errors: [chunks.at(-1)!] });
      }
    });
  }
});
