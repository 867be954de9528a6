// A client's Chat messages → canonical messages. Results of parallel calls come one by one here and are one turn elsewhere.

import type { Json } from "#src/core/json.ts";
import type { Block, CacheMark, Message, Source, ThinkingBlock, ToolCallBlock } from "../canonical.ts";
import { LEFT_OUT, type LossList } from "../losses.ts";
import { read } from "../schema.ts";
import { unsealThinking } from "../seal.ts";
import { loseUnknown } from "../unknown.ts";
import * as schema from "./client-schema.ts";

const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A `data:` URL as bytes in base64, anything else as a URL. */
export function sourceOf(url: string): Source {
  const mediaType = DATA_URL.exec(url.slice(0, 256));
  if (mediaType === null) return { kind: "url", url };
  return { kind: "base64", mediaType: mediaType[1]!.toLowerCase(), data: url.slice(mediaType[0].length) };
}

/** A file's data: a `data:` URL, or its bytes alone, which some clients send and are then a PDF's, the one kind of file this dialect has. */
const fileSource = (data: string): Source =>
  BASE64.test(data) ? { kind: "base64", mediaType: "application/pdf", data } : sourceOf(data);

/** The `cache` member of a part or tool that is marked. */
export function cacheOf({ cache_control: mark, prompt_cache_breakpoint: breakpoint }: schema.WireMarks): {
  cache?: CacheMark;
} {
  if (mark) return { cache: typeof mark.ttl === "string" ? { ttl: mark.ttl } : {} };
  return breakpoint ? { cache: {} } : {};
}

/** The `detail` member of a picture; `auto` leaves it to the model. */
export function detailOf(detail: string | null | undefined): { detail?: string } {
  return !detail || detail === "auto" ? {} : { detail };
}

function decodePart(raw: Json, path: string, losses: LossList): Block {
  const { type, ...marks } = read(schema.partType, raw, path);
  const known = schema.known.part.get(type);
  if (known !== undefined) loseUnknown(raw, known, path, `a ${type} part`, losses);
  return { ...decodeTyped(type, raw, path), ...cacheOf(marks) };
}

function decodeTyped(type: string, raw: Json, path: string): Block {
  switch (type) {
    case "text":
      return { kind: "text", text: read(schema.parts.text, raw, path).text };
    case "refusal":
      return { kind: "text", text: read(schema.parts.refusal, raw, path).refusal };
    case "image_url": {
      const { image_url: image } = read(schema.parts.imageUrl, raw, path);
      if (typeof image === "string") return { kind: "image", source: sourceOf(image) };
      return { kind: "image", source: sourceOf(image.url), ...detailOf(image.detail) };
    }
    case "file": {
      const { file } = read(schema.parts.file, raw, path);
      const title = typeof file.filename === "string" ? { title: file.filename } : {};
      if (typeof file.file_data === "string") return { kind: "document", source: fileSource(file.file_data), ...title };
      if (typeof file.file_id === "string")
        return { kind: "document", source: { kind: "file", id: file.file_id }, ...title };
      return { kind: "opaque", dialect: "openai-chat", type, raw };
    }
    default:
      return { kind: "opaque", dialect: "openai-chat", type, raw };
  }
}

function decodeContent(content: string | Json[] | null | undefined, path: string, losses: LossList): Block[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  return (content ?? [])
    .map((raw, index) => decodePart(raw, `${path}[${index}]`, losses))
    .filter((block) => block.kind !== "text" || block.text !== "");
}

/** Thinking in front of an answer, and of its calls by their ids. */
type Thinking = { first: ThinkingBlock[]; before: Map<string, ThinkingBlock[]> };

/** It comes signed in `reasoning_details`, or as plain text under two names. What we told of a call's thought has the call's id. */
function thinkingOf(message: schema.WireAssistant): Thinking {
  const first: ThinkingBlock[] = [];
  const before = new Map<string, ThinkingBlock[]>();
  const { reasoning_details: details, tool_calls: calls } = message;
  if (details?.some(({ id }) => id)) for (const { id } of calls ?? []) before.set(id, []);
  let signed = false;
  for (const { id, text, signature, data } of details ?? []) {
    const proof = signature || data;
    if (!proof) continue;
    signed = true;
    const block: ThinkingBlock = { kind: "thinking", text: text ?? "", ...unsealThinking(proof, "openai-chat") };
    (before.get(id ?? "") ?? first).push(block);
  }
  const said = message.reasoning_content || message.reasoning;
  const text = said || (details ?? []).map((detail) => detail.text || detail.summary || "").join("");
  if (!signed && text !== "") first.push({ kind: "thinking", text, origin: null });
  return { first, before };
}

function decodeAssistant(raw: Json, path: string, legacyId: string, losses: LossList): Block[] {
  const message = read(schema.assistant, raw, path);
  const before = losses.items.length;
  loseUnknown(raw, schema.known.assistant, path, "an answer", losses);
  const blocks = assistantBlocks(message, path, legacyId, losses);
  // The turn stays where all it said is lost.
  const lost = blocks.length === 0 && losses.items.length > before;
  return lost ? [{ kind: "text", text: LEFT_OUT.content }] : blocks;
}

function assistantBlocks(message: schema.WireAssistant, path: string, legacyId: string, losses: LossList): Block[] {
  const { first, before } = thinkingOf(message);
  const blocks: Block[] = [...first, ...decodeContent(message.content, `${path}.content`, losses)];
  if (message.refusal) blocks.push({ kind: "text", text: message.refusal });
  for (const call of message.tool_calls ?? []) {
    blocks.push(...(before.get(call.id) ?? []));
    before.delete(call.id);
    const signature = call.extra_content?.google?.thought_signature;
    if (signature) blocks.push({ kind: "thinking", text: "", ...unsealThinking(signature, "openai-chat") });
    const made: Omit<ToolCallBlock, "kind" | "id"> =
      call.type === "custom"
        ? { name: call.custom.name, argsRaw: call.custom.input, callKind: "custom" }
        : { name: call.function.name, argsRaw: call.function.arguments, callKind: "function" };
    blocks.push({ kind: "tool_call", id: call.id, ...made });
  }
  const old = message.function_call;
  if (old) {
    blocks.push({ kind: "tool_call", id: legacyId, name: old.name, argsRaw: old.arguments, callKind: "function" });
  }
  return blocks;
}

function resultBlock(
  callId: string,
  content: string | Json[] | null | undefined,
  path: string,
  losses: LossList,
): Block {
  return { kind: "tool_result", callId, isError: false, content: decodeContent(content, `${path}.content`, losses) };
}

/** The system prompt (what stands before anything else is said) and the conversation. Throws `usage` naming the path. */
export function decodeMessages(raws: Json[], losses: LossList): { system: Block[]; messages: Message[] } {
  const system: Block[] = [];
  const messages: Message[] = [];
  let legacyId = "";
  let results: Message | undefined;
  raws.forEach((raw, index) => {
    const path = `messages[${index}]`;
    const { role, name } = read(schema.messageHead, raw, path);
    if (name && role !== "function" && role !== "tool") {
      losses.add(`${path}.name`, "name of a speaker", "other dialects know roles only");
    }
    if (role === "tool" || role === "function") {
      loseUnknown(raw, schema.known.result, path, "a result", losses);
      const block =
        role === "tool"
          ? (({ tool_call_id: id, content }) => resultBlock(id, content, path, losses))(
              read(schema.toolMessage, raw, path),
            )
          : resultBlock(legacyId, read(schema.functionMessage, raw, path).content, path, losses);
      if (results !== undefined) return void results.blocks.push(block);
      results = { role: "user", blocks: [block], path };
      messages.push(results);
      return;
    }
    results = undefined;
    if (role === "assistant") {
      legacyId = `call_function_${index}`;
      messages.push({ role, blocks: decodeAssistant(raw, path, legacyId, losses), path });
      return;
    }
    loseUnknown(raw, schema.known.said, path, "a message", losses);
    const blocks = decodeContent(read(schema.said, raw, path).content, `${path}.content`, losses);
    if (role !== "user" && messages.length === 0) system.push(...blocks);
    else messages.push({ role, blocks, path });
  });
  return { system, messages };
}
