// What a request will cost at a glance: from its bytes, without decoding it, so that a limit costs a long conversation next to nothing. Rather too
// much than too little: the JSON around the words is counted with them, and signatures with what they sign.
// Knows nothing where bytes say nothing, as of pictures.

import { BrokeError } from "#src/core/errors.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { BYTES_PER_TOKEN } from "./estimate.ts";
import { readTopLevel } from "./splice.ts";

/** How pictures, sounds and documents are named, by their type or by the member that holds them. */
const media: Record<Dialect, readonly string[]> = {
  anthropic: ['"image', '"document'],
  "openai-chat": ['"image', '"input_audio', '"file"'],
  "openai-responses": ['"image', '"input_image', '"input_file', '"input_audio'],
  gemini: ['"inline', '"fileData', '"file_data'],
};
const OUTPUT_LIMITS = ["max_tokens", "max_completion_tokens", "max_output_tokens"] as const;

export type Glance = { input: number; maxOutput: number | undefined };

/** Undefined where it takes more than a glance. */
export function glance(body: Uint8Array<ArrayBuffer>, dialect: Dialect): Glance | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (media[dialect].some((word) => bytes.includes(word))) return undefined;
  try {
    const said = readTopLevel(body, OUTPUT_LIMITS);
    const values = OUTPUT_LIMITS.map((name) => said[name] ?? undefined);
    const maxOutput = values.find((value) => typeof value === "number");
    // What is no number of tokens is refused by who reads it.
    if (values.some((value) => value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= 0)))
      return undefined;
    return { input: Math.ceil(body.length / BYTES_PER_TOKEN), maxOutput };
  } catch (error) {
    // Says one of them twice: whoever decodes it knows which one holds.
    if (error instanceof BrokeError) return undefined;
    throw error;
  }
}
