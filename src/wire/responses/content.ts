// Canonical blocks → Responses content: text, pictures, files. What has no form here leaves a line saying so, because an empty place would
// mislead the model.

import type { Json } from "#src/core/json.ts";
import type { Block, DocumentBlock, ImageBlock, ToolResultBlock } from "../canonical.ts";
import { LEFT_OUT, type LossList } from "../losses.ts";
import { settled } from "../settled.ts";

export type Part = { [key: string]: Json; type: string };

const UPLOADED = "an uploaded file exists only at the provider it was uploaded to";

/** What a user says. */
export function textPart(text: string): Part {
  return { type: "input_text", text };
}

function imagePart({ source: given, detail = "auto" }: ImageBlock, path: string, losses: LossList): Part {
  const source = settled(given);
  switch (source.kind) {
    case "base64": {
      const url = `data:${source.mediaType};base64,${source.data}`;
      return { type: "input_image", image_url: url, detail };
    }
    case "url":
      return { type: "input_image", image_url: source.url, detail };
    default:
      losses.add(path, "image", UPLOADED);
      return textPart(LEFT_OUT.image);
  }
}

/** OpenAI tells what a file is by the end of its name. */
function fileName(title: string | undefined, mediaType: string): string {
  if (title !== undefined && /\.[a-z0-9]{1,8}$/i.test(title)) return title;
  const end = mediaType.startsWith("text/") ? "txt" : (mediaType.split("/")[1] ?? "bin");
  return `${title || "document"}.${end}`;
}

function documentParts({ source, title, context }: DocumentBlock, path: string, losses: LossList): Part[] {
  const headed = (lines: (string | undefined)[], parts: Part[]): Part[] => {
    const head = lines.filter((line) => line !== undefined && line !== "").join("\n");
    return head === "" ? parts : [textPart(head), ...parts];
  };
  switch (source.kind) {
    case "base64": {
      const data = `data:${source.mediaType};base64,${source.data}`;
      return headed([context], [{ type: "input_file", filename: fileName(title, source.mediaType), file_data: data }]);
    }
    case "url":
      return headed([title, context], [{ type: "input_file", file_url: source.url }]);
    case "text":
      return headed([title, context], [textPart(source.text)]);
    case "blocks":
      return headed([title, context], contentParts(source.blocks, `${path}.source.content`, losses));
    case "file":
      losses.add(path, "document", UPLOADED);
      return headed([title, context], [textPart(LEFT_OUT.document)]);
  }
}

/** Parts for one block of what a user or a tool may say; calls, results and thinking must have been taken out before. */
export function blockParts(block: Block, path: string, losses: LossList): Part[] {
  switch (block.kind) {
    case "text":
      return block.text === "" ? [] : [textPart(block.text)];
    case "image":
      return [imagePart(block, path, losses)];
    case "document":
      return documentParts(block, path, losses);
    case "opaque":
      losses.add(path, `${block.type} block`, "only its own dialect understands it");
      return [textPart(LEFT_OUT.content)];
    default:
      losses.add(path, `${block.kind} block`, "it has no place among a user's words");
      return [];
  }
}

/** Parts for a list of blocks. */
export function contentParts(blocks: readonly Block[], path: string, losses: LossList): Part[] {
  return blocks.flatMap((block, index) => blockParts(block, `${path}[${index}]`, losses));
}

/** A tool's output: plain text when there is nothing but text, else parts, so that a picture stays one. */
export function outputOf(block: ToolResultBlock, path: string, losses: LossList): string | Part[] {
  const parts = contentParts(block.content, `${path}.content`, losses);
  if (parts.every((part) => part.type === "input_text")) {
    const text = parts.map((part) => part["text"]).join("\n");
    return block.isError ? `[tool error] ${text}` : text;
  }
  return block.isError ? [textPart("[tool error]"), ...parts] : parts;
}
