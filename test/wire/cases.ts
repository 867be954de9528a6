// Reads the cases under test/cases/wire/ and runs a scripted answer through the codecs, as the relay does.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import { inbound, outbound } from "#src/wire/codecs.ts";
import type { OutboundCall } from "#src/wire/dialect.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { makeSseParser } from "#src/wire/sse.ts";

const root = join(import.meta.dir, "../cases/wire");

/** Every case of one folder, with its file name. */
export function loadCases<Case>(folder: string): (Case & { name: string })[] {
  return readdirSync(join(root, folder))
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(root, folder, file), "utf8")) as Case),
      name: file.replace(".json", ""),
    }));
}

/** A client's request made ready for a Chat backend; generated call ids are `call_new1`, `call_new2`, … */
export function chatCall(
  request: Json,
  target: { model?: string; stream?: boolean; quirks?: Partial<Quirks> } = {},
): OutboundCall {
  let made = 0;
  return outbound["openai-chat"].encodeRequest(inbound.anthropic.decodeRequest(request).request, {
    model: "upstream-model",
    stream: true,
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
  const encoder = inbound.anthropic.encodeStream({
    id: "msg_1",
    model: "asked-model",
    ...(estimate === undefined ? {} : { estimate }),
  });
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
