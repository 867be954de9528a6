// The request's body, whole and bounded.

import { BrokeError } from "#src/core/errors.ts";

/** Largest request body, 64 MiB: long agent contexts with images. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** A body beyond the limit: 413, and the connection is of no use any more. */
export class TooLarge extends BrokeError {
  constructor() {
    super("usage", `the body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB`);
  }
}

/** A body in a form nobody here reads: 415. */
export class WrongType extends BrokeError {
  constructor(message: string) {
    super("usage", message);
  }
}

async function readPieces(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > MAX_BODY_BYTES) throw new TooLarge();
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** Reads the body. Rejects with `TooLarge`; a declared length beyond the limit is refused before a byte is read. */
export function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const declared = request.headers.get("content-length");
  if (declared === null) return readPieces(request);
  if (Number(declared) > MAX_BODY_BYTES) return Promise.reject(new TooLarge());
  return request.bytes() as Promise<Uint8Array<ArrayBuffer>>;
}
