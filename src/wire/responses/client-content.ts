// What a Responses client says in parts → canonical blocks: text, pictures, files, and the outputs of its tools.

import { type Json, parseJson } from "#src/core/json.ts";
import type { Block, Source } from "../canonical.ts";
import { detailOf, sourceOf } from "../chat/client-messages.ts";
import type { LossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import * as schema from "./client-schema.ts";

/** "%PDF", the beginning of every PDF, in base64. */
const PDF = "JVBERi";

/** A file's bytes: a `data:` URL, or base64 alone. */
function fileSource(data: string): Source {
  if (data.startsWith("data:")) return sourceOf(data);
  const mediaType = data.startsWith(PDF) ? "application/pdf" : "application/octet-stream";
  return { kind: "base64", mediaType, data };
}

function decodePart(raw: Json, path: string, losses: LossList): Block {
  const { type } = read(schema.typed, raw, path);
  const opaque: Block = { kind: "opaque", dialect: "openai-responses", type, raw };
  switch (type) {
    case "input_text":
    case "output_text":
    case "text": {
      const { text, annotations } = read(schema.parts.text, raw, path);
      if (annotations?.length) losses.add(path, "citations", "earlier answers are carried without their citations");
      return { kind: "text", text };
    }
    case "refusal":
      return { kind: "text", text: read(schema.parts.refusal, raw, path).refusal };
    case "input_image": {
      const { image_url: url, file_id: id, detail } = read(schema.parts.image, raw, path);
      if (url) return { kind: "image", source: sourceOf(url), ...detailOf(detail) };
      return id ? { kind: "image", source: { kind: "file", id } } : opaque;
    }
    case "input_file": {
      const { file_data: data, file_url: url, file_id: id, filename } = read(schema.parts.file, raw, path);
      const title = filename ? { title: filename } : {};
      if (data) return { kind: "document", source: fileSource(data), ...title };
      if (url) return { kind: "document", source: { kind: "url", url }, ...title };
      return id ? { kind: "document", source: { kind: "file", id }, ...title } : opaque;
    }
    default:
      return opaque;
  }
}

/** A `content` (text, or a list of parts) as blocks; text without a character is no block. Throws `usage` naming the path. */
export function decodeContent(content: string | Json[], path: string, losses: LossList): Block[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  return content
    .map((raw, index) => decodePart(raw, `${path}[${index}]`, losses))
    .filter((block) => block.kind !== "text" || block.text !== "");
}

/** The list of parts some clients write as text when it holds a picture: read as text it would cost a million tokens. */
function unwrap(output: string): Json[] | undefined {
  if (!output.trimStart().startsWith("[") || !output.includes('"input_image"')) return undefined;
  const parts = parseJson(output);
  if (!Array.isArray(parts) || !parts.every((part) => isObject(part) && typeof part["type"] === "string"))
    return undefined;
  return parts.some((part) => isObject(part) && part["type"] === "input_image") ? parts : undefined;
}

/** What a tool gave back. */
export function decodeOutput(output: string | Json[], path: string, losses: LossList): Block[] {
  return decodeContent(typeof output === "string" ? (unwrap(output) ?? output) : output, path, losses);
}
