// Canonical blocks → Chat content: text, images, documents. Bytes of an image never become text; what has no form here leaves a line saying
// so, because an empty place would mislead the model.

import type { Block, DocumentBlock, ImageBlock } from "../canonical.ts";
import { LEFT_OUT, type LossList } from "../losses.ts";
import { settled } from "../settled.ts";

export type TextPart = { type: "text"; text: string };
export type ImagePart = { type: "image_url"; image_url: { url: string; detail?: string } };
export type Part = TextPart | ImagePart;

const BILLING_LINE = /^x-anthropic-billing-header:[^\n]*\n?/;

function imagePart({ source: given, detail }: ImageBlock, path: string, losses: LossList): Part {
  const source = settled(given);
  const looked = detail === undefined ? {} : { detail };
  if (source.kind === "base64") {
    return { type: "image_url", image_url: { url: `data:${source.mediaType};base64,${source.data}`, ...looked } };
  }
  if (source.kind === "url") return { type: "image_url", image_url: { url: source.url, ...looked } };
  losses.add(path, "image", "an uploaded file exists only at the provider it was uploaded to");
  return { type: "text", text: LEFT_OUT.image };
}

function documentParts(block: DocumentBlock, path: string, losses: LossList): Part[] {
  const head = [block.title, block.context].filter((line) => line !== undefined && line !== "").join("\n");
  const headed = (parts: Part[]): Part[] => (head === "" ? parts : [{ type: "text", text: head }, ...parts]);
  if (block.source.kind === "text") return headed([{ type: "text", text: block.source.text }]);
  if (block.source.kind === "base64" && block.source.mediaType.startsWith("text/")) {
    return headed([{ type: "text", text: Buffer.from(block.source.data, "base64").toString() }]);
  }
  if (block.source.kind === "blocks")
    return headed(contentParts(block.source.blocks, `${path}.source.content`, losses));
  losses.add(path, "document", "Chat carries documents as text only");
  return headed([{ type: "text", text: LEFT_OUT.document }]);
}

/** Parts for one block of what a user may say; calls, results and thinking must have been taken out before. */
export function blockParts(block: Block, path: string, losses: LossList): Part[] {
  switch (block.kind) {
    case "text":
      return [{ type: "text", text: block.text }];
    case "image":
      return [imagePart(block, path, losses)];
    case "document":
      return documentParts(block, path, losses);
    case "opaque":
      losses.add(path, `${block.type} block`, "only its own dialect understands it");
      return [{ type: "text", text: LEFT_OUT.content }];
    default:
      losses.add(path, `${block.kind} block`, "it has no place among a user's words in Chat");
      return [];
  }
}

/** Parts for a list of blocks. */
export function contentParts(blocks: Block[], path: string, losses: LossList): Part[] {
  return blocks.flatMap((block, index) => blockParts(block, `${path}[${index}]`, losses));
}

/** Chat content for parts: plain text when there is nothing but text, since not every provider takes a list. */
export function contentOf(parts: Part[]): string | Part[] {
  return parts.every((part) => part.type === "text") ? parts.map((part) => part.text).join("\n\n") : parts;
}

/**
 * A system prompt as text. The line Claude Code puts in front for Anthropic's billing changes with every session and would spoil the
 * provider's prompt cache.
 */
export function systemText(blocks: Block[], path: string, losses: LossList): string {
  const texts = contentParts(blocks, path, losses).flatMap((part) => {
    if (part.type === "text") return [part.text.replace(BILLING_LINE, "")];
    losses.add(path, "image", "a system prompt carries text only in Chat");
    return [];
  });
  return texts.filter((text) => text !== "").join("\n\n");
}
