// Which model a provider says has answered: read from the bytes of its answer where they name it, before and after the content, so that nothing has to be
// parsed for it. In content the name of the field could only stand escaped.
// Does not stop: a provider that says one and runs another.

import type { Dialect } from "#src/core/dialects.ts";
import type { Json } from "#src/core/json.ts";
import { isObject } from "./schema.ts";

/** Where it is looked for: what comes before the content, instructions of some length included, and what follows it. */
const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 4 * 1024;

const MAX_NAME = 128;
const NAMED = /"model"\s*:\s*"([^"\\]{1,128})"/;
const GEMINI = /"modelVersion"\s*:\s*"([^"\\]{1,128})"/;

/** The model that a whole answer names; null when it does not. */
export function modelOfAnswer(dialect: Dialect, answer: Json | undefined): string | null {
  if (!isObject(answer)) return null;
  const said = answer[dialect === "gemini" ? "modelVersion" : "model"];
  return typeof said === "string" && said.length > 0 && said.length <= MAX_NAME ? said : null;
}

/** The model the answer, or a piece of it, names; null when it does not. */
export function answeredModel(dialect: Dialect, bytes: Uint8Array): string | null {
  const field = dialect === "gemini" ? GEMINI : NAMED;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = field.exec(text.toString("latin1", 0, Math.min(text.length, HEAD_BYTES)))?.[1];
  if (head !== undefined) return head;
  if (text.length <= HEAD_BYTES) return null;
  return field.exec(text.toString("latin1", text.length - TAIL_BYTES, text.length))?.[1] ?? null;
}
