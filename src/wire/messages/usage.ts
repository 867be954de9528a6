// Watches an Anthropic answer pass by and keeps its token counts; never changes a byte.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { makeSseParser } from "../sse.ts";

export type SniffedUsage = {
  input: number | null;
  output: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  ended: boolean;
};

const usageSchema = v.looseObject({
  input_tokens: v.optional(v.nullable(v.number())),
  output_tokens: v.optional(v.nullable(v.number())),
  cache_read_input_tokens: v.optional(v.nullable(v.number())),
  cache_creation_input_tokens: v.optional(v.nullable(v.number())),
});
const messageSchema = v.looseObject({
  type: v.optional(v.string()),
  usage: v.optional(usageSchema),
  message: v.optional(v.looseObject({ usage: v.optional(usageSchema) })),
});

/** A sniffer: give it the answer's bytes as they pass (`stream`: they are server-sent events), ask it at the end. */
export function sniffUsage(stream: boolean): { push(bytes: Uint8Array): void; result(): SniffedUsage } {
  const usage: SniffedUsage = { input: null, output: null, cacheRead: null, cacheWrite: null, ended: !stream };
  const parser = makeSseParser();
  const pieces: Uint8Array[] = [];
  const take = (text: string) => {
    const parsed = v.safeParse(messageSchema, parseJson(text));
    if (!parsed.success) return;
    const { type, message, usage: direct } = parsed.output;
    const counts = direct ?? message?.usage;
    // The closing message_delta repeats the counts, final; a null keeps what message_start said.
    usage.input = counts?.input_tokens ?? usage.input;
    usage.output = counts?.output_tokens ?? usage.output;
    usage.cacheRead = counts?.cache_read_input_tokens ?? usage.cacheRead;
    usage.cacheWrite = counts?.cache_creation_input_tokens ?? usage.cacheWrite;
    if (type === "message_stop" || type === "error") usage.ended = true;
  };
  // Only these carry counts or the end; parsing every text delta would cost more than it tells.
  const wanted = new Set(["message_start", "message_delta", "message_stop", "error"]);
  return {
    push(bytes) {
      if (!stream) pieces.push(bytes);
      else for (const event of parser.push(bytes)) if (wanted.has(event.event)) take(event.data);
    },
    result() {
      if (!stream) take(Buffer.concat(pieces).toString());
      return usage;
    },
  };
}
