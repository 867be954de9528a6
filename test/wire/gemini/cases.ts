// Reads the cases under test/cases/wire/ and runs scripted answers through the codec, as the relay does.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { AnswerMeta, OutboundCall, StreamDecoder } from "#src/wire/dialect.ts";
import { geminiInbound, geminiOutbound } from "#src/wire/gemini/codec.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { makeSseParser } from "#src/wire/sse.ts";

const root = join(import.meta.dir, "../../cases/wire");

/** What the cases call the backend's account. */
export const SCOPE = "0123456789abcdef";
export const META: AnswerMeta = { id: "req_1", model: "asked-model", createdMs: 1_700_000_000_123, estimate: 9 };
export type Members = { [key: string]: Json };

/** Every case of one folder, with its file name. */
export function loadCases<Case>(folder: string): (Case & { name: string })[] {
  return readdirSync(join(root, folder))
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(root, folder, file), "utf8")) as Case),
      name: file.replace(".json", ""),
    }));
}

/** A whole canonical request, of nothing but what is given. */
export function requestOf(given: Partial<CanonicalRequest>, stream = false): CanonicalRequest {
  return {
    dialect: "anthropic",
    model: "asked-model",
    system: [],
    messages: [],
    tools: [],
    stopSequences: [],
    stream,
    extra: {},
    ...given,
  };
}

/** A canonical request for a Gemini backend; generated call ids are `call_new1`, `call_new2`, … */
export function callFor(
  given: Partial<CanonicalRequest> = {},
  quirks: Partial<Quirks> = {},
  stream = false,
): OutboundCall {
  let made = 0;
  const newId = () => `call_new${++made}`;
  const target = { model: "upstream-model", stream, scope: SCOPE, quirks, newId };
  return geminiOutbound.encodeRequest(requestOf(given, stream), target);
}

/** One chunk as Google sends it; text goes out as it is. */
export function chunkText(chunk: Json): string {
  return typeof chunk === "string" ? chunk : `data: ${JSON.stringify(chunk)}\r\n\r\n`;
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Bytes one by one. */
export const singly = (all: Uint8Array) => Array.from(all, (_, at) => all.subarray(at, at + 1));

/** The hub events of a stream whose bytes come in these pieces; deltas of one block in a row are joined. */
export function decodePieces(decoder: StreamDecoder, pieces: Iterable<Uint8Array>): HubEvent[] {
  const parser = makeSseParser();
  const out: HubEvent[] = [];
  const take = (events: HubEvent[]) => {
    for (const event of events) {
      const last = out.at(-1);
      if (event.kind === "delta" && last?.kind === "delta" && last.key === event.key) {
        out[out.length - 1] = { ...last, text: last.text + event.text };
      } else out.push(event);
    }
  };
  for (const piece of pieces) for (const event of parser.push(piece)) take(decoder.push(event));
  for (const event of parser.end()) take(decoder.push(event));
  take(decoder.end());
  return out;
}

/** What the client receives for hub events: every chunk, none of which has an event's name. */
export function clientChunks(events: readonly HubEvent[], meta = META): Members[] {
  const encoder = geminiInbound.encodeStream(meta);
  return readChunks(events.map((event) => encoder.push(event)).join(""));
}

/** SSE text as the events' data. */
export function readChunks(text: string): Members[] {
  return makeSseParser()
    .push(bytesOf(text))
    .map(({ event, data }) => {
      if (event !== "message") throw new Error("an event of Google's has no name");
      return JSON.parse(data) as Members;
    });
}

/** The parts of all chunks. */
export function partsOf(chunks: readonly Members[]): Members[] {
  return chunks.flatMap(({ candidates }) => {
    const [candidate] = (candidates ?? []) as { content?: { parts: Members[] } }[];
    return candidate?.content?.parts ?? [];
  });
}
