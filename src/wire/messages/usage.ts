// Watches an Anthropic answer that passes through untouched, for what it cost and how it ended. Never changes, delays or breaks the answer:
// what it cannot read it does not know.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { makeSseParser } from "../sse.ts";

/** Tokens are null when the answer did not say. `ended`: its last word was there (`failed`: and that was an error), so it was not cut. */
export type Sniffed = {
  input: number | null;
  output: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  stopReason: string | null;
  ended: boolean;
  failed: boolean;
};

/** `result` is for when the bytes are over, however they ended. */
export type UsageSniffer = { push(piece: Uint8Array): void; result(): Sniffed };

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const count = v.nullish(v.number());
const usageSchema = v.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
const stopSchema = v.nullish(v.string());
const messageSchema = v.object({ usage: v.nullish(usageSchema), stop_reason: stopSchema });
const eventSchema = v.object({
  message: v.nullish(messageSchema),
  delta: v.nullish(v.object({ stop_reason: stopSchema })),
  usage: v.nullish(usageSchema),
});

function nothing(): Sniffed {
  return {
    input: null,
    output: null,
    cacheRead: null,
    cacheWrite: null,
    stopReason: null,
    ended: false,
    failed: false,
  };
}

/** The counts in a stream's last message are totals: they replace what `message_start` said. */
function note(found: Sniffed, usage: v.InferOutput<typeof usageSchema> | null | undefined): void {
  found.input = usage?.input_tokens ?? found.input;
  found.output = usage?.output_tokens ?? found.output;
  found.cacheRead = usage?.cache_read_input_tokens ?? found.cacheRead;
  found.cacheWrite = usage?.cache_creation_input_tokens ?? found.cacheWrite;
}

function sniffStream(): UsageSniffer {
  const found = nothing();
  const parser = makeSseParser();
  let blind = false;
  const look = (read: () => ReturnType<typeof parser.push>) => {
    if (blind) return;
    try {
      for (const { event, data } of read()) {
        if (event === "error") found.failed = true;
        if (event === "message_stop" || event === "error") found.ended = true;
        if (event !== "message_start" && event !== "message_delta") continue;
        const parsed = v.safeParse(eventSchema, parseJson(data));
        if (!parsed.success) continue;
        note(found, parsed.output.message?.usage);
        note(found, parsed.output.usage);
        found.stopReason = parsed.output.delta?.stop_reason ?? found.stopReason;
      }
    } catch {
      blind = true;
    }
  };
  return {
    push: (piece) => look(() => parser.push(piece)),
    result() {
      look(() => parser.end());
      return found;
    },
  };
}

function sniffBody(): UsageSniffer {
  let pieces: Uint8Array[] = [];
  let size = 0;
  return {
    push(piece) {
      size += piece.length;
      if (size > MAX_BODY_BYTES) pieces = [];
      else pieces.push(piece.slice());
    },
    result() {
      const found = nothing();
      if (size > MAX_BODY_BYTES) return found;
      const parsed = v.safeParse(messageSchema, parseJson(new TextDecoder().decode(Buffer.concat(pieces))));
      if (!parsed.success) return found;
      note(found, parsed.output.usage);
      found.stopReason = parsed.output.stop_reason ?? null;
      found.ended = found.stopReason !== null;
      return found;
    },
  };
}

/** A watcher for one answer: of a stream of events, or of a whole message. Feed it every piece, then ask. */
export function sniffUsage(streaming: boolean): UsageSniffer {
  return streaming ? sniffStream() : sniffBody();
}
