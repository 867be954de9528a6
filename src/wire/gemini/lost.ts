// What a Gemini answer holds beyond text, thinking and calls: pictures, sound and files, code that Google ran, what it found and cites.

import type { Json } from "#src/core/json.ts";
import { holds, loseOfAnswer } from "../answer-losses.ts";
import type { Loss } from "../losses.ts";
import { isObject } from "../schema.ts";
import type { WireCandidate } from "./schema.ts";

const FILES = ["inlineData", "fileData"] as const;
const RUN = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"] as const;
/** Beside the parts, by what is lost with them. */
const ASIDE = [
  ["groundingMetadata", "groundingMetadata"],
  ["urlContextMetadata", "urlContextMetadata"],
  ["citationMetadata", "citations"],
] as const;
const media = new Map([
  ["image", "image"],
  ["audio", "sound"],
  ["video", "video"],
]);

function mediaOf(file: Json): string {
  const type = isObject(file) && typeof file["mimeType"] === "string" ? file["mimeType"] : "";
  return media.get(type.split("/")[0]!) ?? "document";
}

/** Adds what the candidate, or the next chunk of it, loses. */
export function noteLost(candidate: WireCandidate, losses: Loss[]): void {
  const path = "candidates[0]";
  for (const [member, what] of ASIDE) if (holds(candidate[member])) loseOfAnswer(losses, `${path}.${member}`, what);
  for (const [index, part] of (candidate.content?.parts ?? []).entries()) {
    const at = `${path}.content.parts[${index}]`;
    for (const member of FILES) if (part[member]) loseOfAnswer(losses, `${at}.${member}`, mediaOf(part[member]));
    for (const member of RUN) if (part[member]) loseOfAnswer(losses, `${at}.${member}`, member);
  }
}
