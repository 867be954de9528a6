// Reads the cases under test/cases/wire/responses/ and runs scripted answers through the codec, as the relay does.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { OutboundCall, StreamDecoder } from "#src/wire/dialect.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { responsesInbound, responsesOutbound } from "#src/wire/responses/codec.ts";
import { makeSseParser } from "#src/wire/sse.ts";

const root = join(import.meta.dir, "../../cases/wire/responses");

/** What the cases call the backend's account. */
export const SCOPE = "0123456789abcdef";
export const META = { id: "req_1", model: "asked-model", createdMs: 1_700_000_000_123, estimate: 9 };
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

/** A canonical request for a Responses backend; generated call ids are `call_new1`, `call_new2`, … */
export function callFor(
  given: Partial<CanonicalRequest> = {},
  quirks: Partial<Quirks> = {},
  stream = false,
): OutboundCall {
  let made = 0;
  const request: CanonicalRequest = {
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
  const newId = () => `call_new${++made}`;
  return responsesOutbound.encodeRequest(request, { model: "upstream-model", stream, scope: SCOPE, quirks, newId });
}

/** One event as OpenAI sends it; text goes out as it is. */
export function eventText(event: Json): string {
  if (typeof event === "string") return event;
  return `event: ${(event as Members)["type"] as string}\ndata: ${JSON.stringify(event)}\n\n`;
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

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

/** What the client receives for hub events: the data of each event, whose name must be the type it carries. */
export function clientEvents(events: readonly HubEvent[], meta = META): Members[] {
  const encoder = responsesInbound.encodeStream(meta);
  return readEvents(events.map((event) => encoder.push(event)).join(""));
}

/** SSE text as the events' data. */
export function readEvents(text: string): Members[] {
  return makeSseParser()
    .push(bytesOf(text))
    .map(({ event, data }) => {
      const body = JSON.parse(data) as Members;
      if (body["type"] !== event) throw new Error("an event's name is not its type");
      return body;
    });
}
