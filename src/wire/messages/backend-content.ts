// Canonical blocks → Anthropic content. What has no form here leaves a line saying so, because an empty place would mislead the model.

import type { Json } from "#src/core/json.ts";
import type { Block, CacheMark, DocumentBlock, Source, ToolCallBlock } from "../canonical.ts";
import { inputOf } from "../custom.ts";
import { LEFT_OUT, type LossList } from "../losses.ts";
import type { ToolNames } from "../names.ts";
import { settled } from "../settled.ts";

type Member = { [key: string]: Json };

/** Anthropic's picture types; others are refused. */
const PICTURES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

const text = (said: string): Member => ({ type: "text", text: said });

/** `cache_control` for a marked block. */
export function cacheMember(cache: CacheMark | undefined): Member {
  if (cache === undefined) return {};
  return { cache_control: { type: "ephemeral", ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) } };
}

function imageMember(given: Source, path: string, losses: LossList): Member {
  const source = settled(given);
  if (source.kind === "url") return { type: "image", source: { type: "url", url: source.url } };
  if (source.kind === "base64" && PICTURES.has(source.mediaType)) {
    return { type: "image", source: { type: "base64", media_type: source.mediaType, data: source.data } };
  }
  const why =
    source.kind === "file"
      ? "an uploaded file exists only at the provider it was uploaded to"
      : "Anthropic takes JPEG, PNG, GIF and WebP";
  losses.add(path, "image", why);
  return text(LEFT_OUT.image);
}

function documentSource(given: Source): Member | undefined {
  const source = settled(given);
  switch (source.kind) {
    case "base64":
      if (source.mediaType === "application/pdf") {
        return { type: "base64", media_type: source.mediaType, data: source.data };
      }
      if (!source.mediaType.startsWith("text/")) return undefined;
      return { type: "text", media_type: "text/plain", data: Buffer.from(source.data, "base64").toString() };
    case "url":
      return { type: "url", url: source.url };
    case "text":
      return { type: "text", media_type: "text/plain", data: source.text };
    default:
      return undefined;
  }
}

function documentMember(block: DocumentBlock, path: string, losses: LossList): Member {
  const source = documentSource(block.source);
  if (source === undefined) {
    losses.add(path, "document", "Anthropic takes PDF and text");
    return text(LEFT_OUT.document);
  }
  return {
    type: "document",
    source,
    ...(block.title === undefined ? {} : { title: block.title }),
    ...(block.context === undefined ? {} : { context: block.context }),
  };
}

/** One block of what a user or a tool may say; calls, results and thinking must have been taken out before. Blank text is no block. */
export function blockMembers(block: Block, path: string, losses: LossList): Member[] {
  switch (block.kind) {
    case "text":
      return block.text.trim() === "" ? [] : [{ ...text(block.text), ...cacheMember(block.cache) }];
    case "image":
      if (block.detail !== undefined) losses.add(path, "detail of an image", "Anthropic has no such setting");
      return [{ ...imageMember(block.source, path, losses), ...cacheMember(block.cache) }];
    case "document":
      return [{ ...documentMember(block, path, losses), ...cacheMember(block.cache) }];
    case "opaque":
      losses.add(path, `${block.type} block`, "only its own dialect understands it");
      return [text(LEFT_OUT.content)];
    default:
      losses.add(path, `${block.kind} block`, "it has no place among a user's words");
      return [];
  }
}

/** A list of blocks. */
export function contentMembers(blocks: Block[], path: string, losses: LossList): Member[] {
  return blocks.flatMap((block, index) => blockMembers(block, `${path}[${index}]`, losses));
}

/** A call made earlier. Anthropic wants an object; other dialects let a model send anything. */
export function callMember(
  call: ToolCallBlock,
  id: string,
  path: string,
  { names, losses }: { names: ToolNames; losses: LossList },
): Member {
  const input = inputOf(call);
  if (input === undefined) losses.add(path, "arguments of an earlier call", "they are not a JSON object");
  return {
    type: "tool_use",
    id,
    name: names.out(call.name, call.namespace),
    input: input ?? {},
    ...cacheMember(call.cache),
  };
}
