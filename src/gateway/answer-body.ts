// The body of a provider's answer, read while its silence is watched: each piece that comes is a sign of life.

import { BrokeError } from "#src/core/errors.ts";
import type { SilenceWatch } from "./silence.ts";

/** How long it is as it comes; undefined where nobody said, or where what is read is not what is sent, or not framed by it. */
function lengthOf(headers: Headers): number | undefined {
  const said = headers.get("content-length");
  if (headers.get("transfer-encoding") !== null) return undefined;
  return said === null || headers.get("content-encoding") !== null ? undefined : Number(said);
}

/** `whole`: false where there was more than the limit. */
type Read = { bytes: Uint8Array<ArrayBuffer>; whole: boolean };

async function readUpTo({ body, headers }: Response, limit: number, silence: SilenceWatch): Promise<Read> {
  if (body === null) return { bytes: new Uint8Array(0), whole: true };
  const length = lengthOf(headers);
  const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    silence.heard();
    if (done) return { bytes: Buffer.concat(pieces), whole: true };
    // Most come at once: to look for an end that is known, and to copy what is there, would cost more than the answer does.
    if (size === 0 && value.length === length && length <= limit) return { bytes: value, whole: true };
    size += value.length;
    pieces.push(value);
    if (size <= limit) continue;
    void reader.cancel().catch(() => undefined);
    return { bytes: Buffer.concat(pieces, limit), whole: false };
  }
}

/**
 * A short answer whose length is known is there with its head or a moment later: where silence may last much longer than that, it is taken at once, which
 * costs a thirtieth less of a small request than to watch its pieces.
 */
const SHORT_BYTES = 64 * 1024;
const PATIENT_MS = 60_000;

/** All of it. Throws `upstream` when it is longer than the limit; rejects when it breaks off. */
export async function readWholeBody(
  response: Response,
  limit: number,
  silence: SilenceWatch,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = lengthOf(response.headers);
  if (length !== undefined && length <= SHORT_BYTES && silence.limitMs >= PATIENT_MS)
    return new Uint8Array(await response.arrayBuffer());
  const { bytes, whole } = await readUpTo(response, limit, silence);
  if (!whole) throw new BrokeError("upstream", "the provider's answer is too large");
  return bytes;
}

/** Its beginning up to the limit, as text; nothing where it breaks off. */
export async function readTextUpTo(response: Response, limit: number, silence: SilenceWatch): Promise<string> {
  const read = await readUpTo(response, limit, silence).catch(() => undefined);
  return read === undefined ? "" : new TextDecoder().decode(read.bytes).replace(/\ufffd$/, "");
}
