// Cuts a stream of server-sent events at the blank lines between them, as bytes: what passes through untouched is passed on in whole events, so
// that an error said in the middle of a broken answer never sticks to half an event. Lines end in LF or CRLF; a lone CR, which no provider
// uses, does not end one here.

import { BrokeError } from "#src/core/errors.ts";
import { MAX_EVENT_SIZE } from "./sse.ts";

export type FrameSplitter = {
  /** The events that became complete, each with its blank line. Throws `upstream` when one event grows beyond the cap. */
  push(piece: Uint8Array): Uint8Array[];
  /** What came after the last blank line. */
  rest(): Uint8Array;
};

const LF = 0x0a;
const CR = 0x0d;

function join(parts: Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** A splitter for one stream. */
export function makeFrameSplitter(maxEventBytes: number = MAX_EVENT_SIZE): FrameSplitter {
  let parts: Uint8Array[] = [];
  let size = 0;
  // Of the line that is not ended yet: how long it is, and whether it is a lone CR.
  let length = 0;
  let onlyCr = false;

  return {
    push(piece) {
      const frames: Uint8Array[] = [];
      let frameStart = 0;
      let lineStart = 0;
      for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, lineStart)) {
        const inPiece = at - lineStart;
        const total = length + inPiece;
        const blank = total === 0 || (total === 1 && (inPiece === 1 ? piece[lineStart] === CR : onlyCr));
        length = 0;
        lineStart = at + 1;
        if (!blank) continue;
        parts.push(piece.subarray(frameStart, lineStart));
        frames.push(join(parts));
        parts = [];
        size = 0;
        frameStart = lineStart;
      }
      const tail = piece.length - lineStart;
      if (tail > 0) {
        onlyCr = length === 0 && tail === 1 && piece[lineStart] === CR;
        length += tail;
      }
      if (frameStart < piece.length) {
        parts.push(piece.subarray(frameStart));
        size += piece.length - frameStart;
        if (size > maxEventBytes) {
          throw new BrokeError("upstream", "an event of the provider's stream is too large");
        }
      }
      return frames;
    },
    rest() {
      const rest = parts.length === 0 ? new Uint8Array(0) : join(parts);
      parts = [];
      return rest;
    },
  };
}
