// A model request as it came in: read, checked, and decoded only if a backend needs it.

import { BrokeError } from "#src/core/errors.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { CanonicalRequest } from "#src/wire/canonical.ts";
import { inbound } from "#src/wire/codecs.ts";
import type { Asks } from "#src/routing/resolve.ts";
import type { Asked, InboundCodec } from "#src/wire/dialect.ts";
import type { Loss } from "#src/wire/losses.ts";
import { acceptLong, acceptParsed, memberNames } from "#src/wire/splice.ts";
import { readBody, WrongType } from "./body.ts";
import { targetOf } from "./target.ts";

/**
 * Where a request came in. `named` is what its URL says about it; `array`: the client reads a stream as one JSON array (Gemini without
 * `alt=sse`).
 */
export type Door = { dialect: Dialect; route: string; named?: Asked; array?: boolean };

export type Incoming = Asked & {
  dialect: Dialect;
  codec: InboundCodec;
  id: string;
  createdMs: number;
  body: Uint8Array<ArrayBuffer>;
  query: string;
  headers: Headers;
  /** The body in canonical form, decoded once. Throws `usage`. */
  canonical(): { request: CanonicalRequest; losses: Loss[] };
};

/** What it asks with, read when somebody wants to know. */
export const asksOf = ({ dialect, body }: Pick<Incoming, "dialect" | "body">): Asks => ({
  dialect,
  members: () => memberNames(body),
});

function checkType(headers: Headers): void {
  const type = headers.get("content-type");
  if (type !== null && type !== "application/json" && !/^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(type)) {
    throw new WrongType("the body must be application/json");
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new WrongType("the body must not be compressed");
  }
}

const MALFORMED = "the body is not well-formed JSON";
/**
 * From this size on a body that will pass is checked in leaps, and any other is parsed by the runtime at once: to read its grammar byte by byte takes three
 * times as long as that (measured at 100 kB).
 */
const LARGE_BYTES = 8 * 1024;

const decoder = new TextDecoder();

/** The body as the runtime's own decoder and parser see it: the runtime's `json()` of a body takes two to three times as long once a letter is not ASCII. */
function parseBody(body: Uint8Array): Json {
  const json = parseJson(decoder.decode(body));
  if (json === undefined) throw new BrokeError("usage", MALFORMED);
  return json;
}

function readLarge(body: Uint8Array<ArrayBuffer>, passes: boolean): Json | undefined {
  if (passes && acceptLong(body)) return undefined;
  const json = parseBody(body);
  acceptParsed(body);
  return json;
}

/** Reads and checks the request; `passes`: what it says will most likely not be asked for. Throws `usage`. */
export async function readIncoming(request: Request, door: Door, id: string, passes = false): Promise<Incoming> {
  const codec = inbound[door.dialect];
  checkType(request.headers);
  const body = await readBody(request);
  const parsed = body.length < LARGE_BYTES ? undefined : readLarge(body, passes);
  const asked = codec.readHead(body, door.named);
  let decoded: ReturnType<Incoming["canonical"]> | undefined;
  return {
    ...asked,
    dialect: door.dialect,
    codec,
    id,
    createdMs: Date.now(),
    body,
    query: targetOf(request.url).query,
    headers: request.headers,
    canonical() {
      if (decoded !== undefined) return decoded;
      return (decoded = codec.decodeRequest(parsed ?? parseBody(body), asked));
    },
  };
}
