// Reads the cases under test/cases/wire/ and runs scripted answers through the codecs, as the relay does.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { OutboundCall, OutboundCodec, StreamDecoder } from "#src/wire/dialect.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { makeSseParser } from "#src/wire/sse.ts";

const root = join(import.meta.dir, "../cases/wire");

/** What the cases call the backend's account. */
export const SCOPE = "0123456789abcdef";
export const META = { id: "msg_1", model: "asked-model", createdMs: 1_700_000_000_123 };
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

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A canonical request with what every one has. */
export function canonical(given: Partial<CanonicalRequest> = {}): CanonicalRequest {
  const empty = { system: [], messages: [], tools: [], stopSequences: [], stream: false, extra: {} };
  return { dialect: "anthropic", model: "asked-model", ...empty, ...given };
}

/** A canonical request for a backend; generated call ids are `call_new1`, `call_new2`, … */
export function callTo(
  codec: OutboundCodec,
  given: Partial<CanonicalRequest> = {},
  quirks: Partial<Quirks> = {},
  stream = false,
): OutboundCall {
  let made = 0;
  const newId = () => `call_new${++made}`;
  const target = { model: "upstream-model", stream, scope: SCOPE, quirks, newId };
  return codec.encodeRequest(canonical({ stream, ...given }), target);
}

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

/** Every byte as a piece of its own. */
export const single = (all: Uint8Array): Uint8Array[] => Array.from(all, (_, at) => all.subarray(at, at + 1));

/** A client's request made ready for a Chat backend; generated call ids are `call_new1`, `call_new2`, … */
export function chatCall(
  request: Json,
  target: { model?: string; stream?: boolean; quirks?: Partial<Quirks> } = {},
): OutboundCall {
  let made = 0;
  const asked = { model: "asked-model", stream: true };
  return chatOutbound.encodeRequest(messagesInbound.decodeRequest(request, asked).request, {
    model: "upstream-model",
    stream: true,
    scope: SCOPE,
    newId: () => `call_new${++made}`,
    ...target,
  });
}

/** Upstream events as bytes: an object becomes a data line, text goes out as it is. */
export function upstreamBytes(events: Json[]): Uint8Array {
  const text = events.map((event) => (typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`));
  return new TextEncoder().encode(text.join(""));
}

/** What the client receives when the upstream's bytes come in these pieces. */
export function translateStream(call: OutboundCall, pieces: Iterable<Uint8Array>, estimate?: number): string {
  const parser = makeSseParser();
  const decoder = call.decodeStream();
  const encoder = messagesInbound.encodeStream({ ...META, ...(estimate === undefined ? {} : { estimate }) });
  let out = "";
  for (const piece of pieces) {
    for (const event of parser.push(piece)) for (const hub of decoder.push(event)) out += encoder.push(hub);
  }
  for (const event of parser.end()) for (const hub of decoder.push(event)) out += encoder.push(hub);
  for (const hub of decoder.end()) out += encoder.push(hub);
  return out;
}

/** A client's view of SSE text: the data of each event, whose name must be the type it carries. */
export function clientEvents(sse: string): Json[] {
  return makeSseParser()
    .push(new TextEncoder().encode(sse))
    .map(({ event, data }) => {
      const body = JSON.parse(data) as { type: string };
      if (body.type !== event) throw new Error("an event's name is not its type");
      return body;
    });
}
