// What an item of a Responses answer holds beyond text, thinking and calls: pictures, what the provider ran itself, citations.

import type { Json } from "#src/core/json.ts";
import { holds, loseOfAnswer } from "../answer-losses.ts";
import type { Loss } from "../losses.ts";
import { isObject } from "../schema.ts";
import { kindOf } from "./item-index.ts";

/** By what they are elsewhere. */
const names = new Map([
  ["image_generation_call", "image"],
  ["output_image", "image"],
  ["output_audio", "sound"],
]);

/** Adds what the item at `path` loses. */
export function noteLost(item: Json | null | undefined, path: string, losses: Loss[]): void {
  if (!isObject(item)) return;
  const lose = (at: string, type: Json | undefined) =>
    loseOfAnswer(losses, at, typeof type === "string" ? (names.get(type) ?? type) : "");
  const { type, content } = item;
  if (typeof type !== "string" || kindOf({ type }) === undefined) return lose(path, type);
  if (!Array.isArray(content)) return;
  content.forEach((part, index) => {
    if (!isObject(part)) return;
    const at = `${path}.content[${index}]`;
    if (holds(part["annotations"])) loseOfAnswer(losses, `${at}.annotations`, "citations");
    if (typeof part["text"] !== "string" && typeof part["refusal"] !== "string") lose(at, part["type"]);
  });
}
