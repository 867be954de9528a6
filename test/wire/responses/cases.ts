// Runs scripted answers through the Responses codec, as the relay does.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { responsesInbound, responsesOutbound } from "#src/wire/responses/codec.ts";
import { makeSseParser } from "#src/wire/sse.ts";
import { bytesOf, callTo, type Members } from "../cases.ts";

export const META = { id: "req_1", model: "asked-model", createdMs: 1_700_000_000_123, estimate: 9 };

/** A canonical request for a Responses backend. */
export const callFor = (given: Partial<CanonicalRequest> = {}, quirks: Partial<Quirks> = {}, stream = false) =>
  callTo(responsesOutbound, given, quirks, stream);

/** One event as OpenAI sends it; text goes out as it is. */
export function eventText(event: Json): string {
  if (typeof event === "string") return event;
  return `event: ${(event as Members)["type"] as string}\ndata: ${JSON.stringify(event)}\n\n`;
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
