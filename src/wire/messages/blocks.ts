// Anthropic content blocks → canonical blocks, in order. Tool inputs become raw text once, here, and stay text from then on.

import type { Json } from "#src/core/json.ts";
import type { Block, CacheMark, Source } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { read } from "../schema.ts";
import { unsealThinking } from "../seal.ts";
import { loseUnknown } from "../unknown.ts";
import { blocks as schemas, blockType, type WireSource } from "./schema.ts";

const membersOf = (schema: { entries: object }, ...more: string[]) =>
  new Set(["type", ...Object.keys(schema.entries), ...more]);

/** The members of blocks by `type`. Who called a tool (`caller`) says nothing about what it was called with. */
const KNOWN = new Map([
  ["text", membersOf(schemas.text)],
  ["image", membersOf(schemas.image)],
  ["document", membersOf(schemas.document)],
  ["thinking", membersOf(schemas.thinking)],
  ["redacted_thinking", membersOf(schemas.redactedThinking)],
  ["tool_use", membersOf(schemas.toolUse, "caller")],
  ["tool_result", membersOf(schemas.toolResult)],
]);

/** The `cache` member for a block or tool that carries `cache_control`. */
export function cacheOf(mark: { ttl?: string | null | undefined } | null | undefined): { cache?: CacheMark } {
  if (mark === null || mark === undefined) return {};
  return { cache: typeof mark.ttl === "string" ? { ttl: mark.ttl } : {} };
}

function decodeSource(source: WireSource, path: string, losses: LossList): Source {
  switch (source.type) {
    case "base64":
      return { kind: "base64", mediaType: source.media_type, data: source.data };
    case "url":
      return { kind: "url", url: source.url };
    case "file":
      return { kind: "file", id: source.file_id };
    case "text":
      return { kind: "text", text: source.data };
    case "content":
      return { kind: "blocks", blocks: decodeContent(source.content, `${path}.content`, losses) };
  }
}

function decodeBlock(raw: Json, path: string, losses: LossList): Block {
  const { type } = read(blockType, raw, path);
  const known = KNOWN.get(type);
  if (known !== undefined) loseUnknown(raw, known, path, `a ${type} block`, losses);
  switch (type) {
    case "text": {
      const block = read(schemas.text, raw, path);
      if (block.citations) losses.add(path, "citations", "earlier answers are carried without their citations");
      return { kind: "text", text: block.text, ...cacheOf(block.cache_control) };
    }
    case "image": {
      const block = read(schemas.image, raw, path);
      const source = decodeSource(block.source, `${path}.source`, losses);
      return { kind: "image", source, ...cacheOf(block.cache_control) };
    }
    case "document": {
      const block = read(schemas.document, raw, path);
      if (block.citations?.enabled) losses.add(path, "citations of a document", "only Anthropic's models cite");
      return {
        kind: "document",
        source: decodeSource(block.source, `${path}.source`, losses),
        ...(typeof block.title === "string" ? { title: block.title } : {}),
        ...(typeof block.context === "string" ? { context: block.context } : {}),
        ...cacheOf(block.cache_control),
      };
    }
    case "thinking": {
      const block = read(schemas.thinking, raw, path);
      // Anthropic signs all it thinks; what is unsigned was put there by a translation such as ours.
      return block.signature
        ? { kind: "thinking", text: block.thinking, ...unsealThinking(block.signature, "anthropic") }
        : { kind: "thinking", text: block.thinking, origin: null };
    }
    case "redacted_thinking": {
      const block = read(schemas.redactedThinking, raw, path);
      const { signature, ...sealed } = unsealThinking(block.data, "anthropic");
      return { kind: "thinking", text: "", redacted: signature ?? "", ...sealed };
    }
    case "tool_use":
    case "server_tool_use": {
      const block = read(schemas.toolUse, raw, path);
      const callKind = type === "tool_use" ? "function" : "server";
      const argsRaw = JSON.stringify(block.input);
      return { kind: "tool_call", id: block.id, name: block.name, argsRaw, callKind, ...cacheOf(block.cache_control) };
    }
    case "tool_result": {
      const block = read(schemas.toolResult, raw, path);
      return {
        kind: "tool_result",
        callId: block.tool_use_id,
        isError: block.is_error === true,
        content: decodeContent(block.content ?? [], `${path}.content`, losses),
        ...cacheOf(block.cache_control),
      };
    }
    default:
      return { kind: "opaque", dialect: "anthropic", type, raw };
  }
}

/** A `content` (text, or a list of blocks) as blocks; text without a character is no block. Throws `usage` naming the path. */
export function decodeContent(content: string | Json[], path: string, losses: LossList): Block[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  return content
    .map((raw, index) => decodeBlock(raw, `${path}[${index}]`, losses))
    .filter((block) => block.kind !== "text" || block.text !== "");
}
