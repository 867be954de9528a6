// Canonical blocks → Gemini parts. What has no form here leaves a line saying so, because an empty place would mislead the model.

import type { Json } from "#src/core/json.ts";
import type { Block, DocumentBlock, Source } from "../canonical.ts";
import { LEFT_OUT, type LossList } from "../losses.ts";
import { settled } from "../settled.ts";
import { mediaTypeOf, PICTURES } from "./media.ts";

export type Part = { [key: string]: Json };

const UPLOADED = "an uploaded file exists only at the provider it was uploaded to";
const UNTOLD = "Google wants to be told what is behind an address";

const text = (said: string): Part => ({ text: said });

/** The part for bytes or an address of one of these types; why not, otherwise. */
function mediaPart(source: Source, takes: (mediaType: string) => boolean, refused: string): Part | string {
  switch (source.kind) {
    case "base64": {
      const { mediaType: mimeType, data } = source;
      return takes(mimeType) ? { inlineData: { mimeType, data } } : refused;
    }
    case "url": {
      const mimeType = mediaTypeOf(source.url);
      if (mimeType === undefined) return UNTOLD;
      return takes(mimeType) ? { fileData: { mimeType, fileUri: source.url } } : refused;
    }
    default:
      return UPLOADED;
  }
}

function mediaParts(kind: "image" | "document", made: Part | string, path: string, losses: LossList): Part[] {
  if (typeof made !== "string") return [made];
  losses.add(path, kind, made);
  return [text(LEFT_OUT[kind])];
}

const isPdf = (type: string) => type === "application/pdf";

function documentParts({ source: given, title, context }: DocumentBlock, path: string, losses: LossList): Part[] {
  const source = settled(given);
  const head = [title, context].filter((line) => line !== undefined && line !== "").join("\n");
  const headed = (parts: Part[]): Part[] => (head === "" ? parts : [text(head), ...parts]);
  if (source.kind === "text") return headed([text(source.text)]);
  if (source.kind === "blocks") return headed(contentParts(source.blocks, `${path}.source.content`, losses));
  if (source.kind === "base64" && source.mediaType.startsWith("text/")) {
    return headed([text(Buffer.from(source.data, "base64").toString())]);
  }
  const takes = (type: string) => isPdf(type) || (source.kind === "url" && type.startsWith("text/"));
  return headed(mediaParts("document", mediaPart(source, takes, "Gemini takes PDF and text"), path, losses));
}

/** Parts for one block of what a user or a tool may say; calls, results and thinking must have been taken out before. */
export function blockParts(block: Block, path: string, losses: LossList): Part[] {
  switch (block.kind) {
    case "text":
      return block.text === "" ? [] : [text(block.text)];
    case "image": {
      if (block.detail !== undefined) losses.add(path, "detail of an image", "Gemini has no such setting for one");
      const made = mediaPart(
        settled(block.source),
        (type) => PICTURES.has(type),
        "Gemini takes PNG, JPEG, WebP, HEIC and HEIF",
      );
      return mediaParts("image", made, path, losses);
    }
    case "document":
      return documentParts(block, path, losses);
    case "opaque":
      losses.add(path, `${block.type} block`, "only its own dialect understands it");
      return [text(LEFT_OUT.content)];
    default:
      losses.add(path, `${block.kind} block`, "it has no place among a user's words");
      return [];
  }
}

/** Parts for a list of blocks. */
export function contentParts(blocks: readonly Block[], path: string, losses: LossList): Part[] {
  return blocks.flatMap((block, index) => blockParts(block, `${path}[${index}]`, losses));
}
