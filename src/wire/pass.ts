// A streamed answer in the client's own dialect: its bytes go on as they came, in whole events, watched from the side. Only an error is said
// anew, because a provider's words may hold a secret.

import { parseJson } from "#src/core/json.ts";
import type { Redactor } from "#src/core/text.ts";
import type { StreamEncoder, StreamWatch } from "./dialect.ts";
import { redactError, upstreamFailure, type WireError } from "./errors.ts";
import { CUT, type Flow, type FlowPhase } from "./flow.ts";
import { makeFrameSplitter } from "./frames.ts";
import { makeSseParser } from "./sse.ts";

const toBytes = new TextEncoder();
/** What is kept back before content comes; a provider that sends this much without any is not kept back longer. */
const MAX_HELD_BYTES = 1024 * 1024;

/** How what is no event begins. */
const COMMENT = 0x3a;
/** The one event of any dialect that is no JSON. */
const CHAT_END = "[DONE]";

function isWhole(frame: Uint8Array): boolean {
  const [event] = makeSseParser().push(frame);
  return event !== undefined && (event.data === CHAT_END || parseJson(event.data) !== undefined);
}

/** Frames in a row; those that came as one piece are that piece again, uncopied. */
function join(frames: Uint8Array[]): Uint8Array {
  const first = frames[0];
  if (first === undefined) return new Uint8Array(0);
  let end = first.byteOffset;
  for (const frame of frames) {
    if (frame.buffer !== first.buffer || frame.byteOffset !== end) return Buffer.concat(frames);
    end += frame.length;
  }
  return new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
}

/** The flow for one answer; `encoder` says errors and pings only. */
export function passFlow(watch: StreamWatch, encoder: StreamEncoder, redact: Redactor): Flow {
  const splitter = makeFrameSplitter();
  let phase: FlowPhase = "held";
  let failure: WireError | undefined;
  let seen = 0;
  let passed = 0;

  const broken = (error: WireError) => {
    failure = redactError(error, redact);
    phase = "failed";
    return toBytes.encode(encoder.fail(failure, passed));
  };
  const forward = (frames: Uint8Array[]): Uint8Array => {
    const out: Uint8Array[] = [];
    for (const frame of frames) {
      if (phase === "failed") break;
      const told = watch.frame(frame);
      if (told.kind === "error") out.push(broken(told.error));
      else if (told.kind !== "ours") out.push(frame);
      if (frame[0] !== COMMENT) passed++;
      if (told.kind === "content" && phase === "held") phase = "live";
      if (told.kind === "end") phase = "done";
      seen += frame.length;
      if (seen > MAX_HELD_BYTES && phase === "held") phase = "live";
    }
    return join(out);
  };

  return {
    push: (piece) => forward(splitter.push(piece)),
    end() {
      // The blank line after the last event is forgotten by some; half an event is of no use to anybody.
      const rest = Buffer.concat([splitter.rest(), toBytes.encode("\n\n")]);
      const last = isWhole(rest) ? forward([rest]) : new Uint8Array(0);
      if (phase !== "failed" && watch.mayEnd?.()) phase = "done";
      if (phase === "done" || phase === "failed") return last;
      return Buffer.concat([last, broken(upstreamFailure(CUT))]);
    },
    fail: broken,
    ping: () => toBytes.encode(encoder.ping()),
    phase: () => phase,
    failure: () => failure,
    cost: () => watch.cost(),
    losses: () => [],
  };
}
