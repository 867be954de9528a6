// What a Chat answer holds beyond text, thinking and calls: pictures (OpenRouter's), sound, citations, parts of its content that are neither.

import { holds, loseOfAnswer } from "../answer-losses.ts";
import type { Loss } from "../losses.ts";
import { isObject } from "../schema.ts";
import type { WireSaid } from "./schema.ts";

/** Parts by what they are elsewhere; `reference` is Mistral's. */
const parts = new Map([
  ["image_url", "image"],
  ["input_audio", "sound"],
  ["reference", "citations"],
]);

/** Adds what a message or delta at `path` loses. */
export function noteLost(said: WireSaid, path: string, losses: Loss[]): void {
  if (holds(said.images)) loseOfAnswer(losses, `${path}.images`, "image");
  if (holds(said.audio)) loseOfAnswer(losses, `${path}.audio`, "sound");
  if (holds(said.annotations)) loseOfAnswer(losses, `${path}.annotations`, "citations");
  if (!Array.isArray(said.content)) return;
  said.content.forEach((part, index) => {
    if (!isObject(part) || typeof part["text"] === "string" || part["thinking"] !== undefined) return;
    const type = typeof part["type"] === "string" ? part["type"] : "";
    loseOfAnswer(losses, `${path}.content[${index}]`, parts.get(type) ?? type);
  });
}
