// How many tokens a request will cost, when nobody can be asked. Method: UTF-8 bytes of everything the model reads, divided by 3.5, plus a few
// for each message and tool, plus a flat sum for each picture. Against real tokenizers: within a third for English and code, too high for
// scripts outside ASCII, so a client that compacts by it does so early rather than late.

import type { Block, CanonicalRequest, Source, Tool } from "./canonical.ts";

export const BYTES_PER_TOKEN = 3.5;
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_TOOL = 8;
/** Anthropic's own figure for its largest unscaled picture (1092 × 1092). */
const TOKENS_PER_IMAGE = 1600;
/** A page of a document is some 2,000 tokens and some 50 kB in base64. */
const BASE64_BYTES_PER_TOKEN = 25;

type Count = { bytes: number; tokens: number };

const size = (text: string | undefined) => (text === undefined ? 0 : Buffer.byteLength(text));
const sizeOf = (value: unknown) => (value === undefined ? 0 : size(JSON.stringify(value)));

function addSource(sum: Count, source: Source): void {
  if (source.kind === "text") sum.bytes += size(source.text);
  else if (source.kind === "blocks") for (const block of source.blocks) addBlock(sum, block);
  else if (source.kind === "base64") sum.tokens += Math.ceil(source.data.length / BASE64_BYTES_PER_TOKEN);
  else sum.tokens += TOKENS_PER_IMAGE;
}

function addBlock(sum: Count, block: Block): void {
  switch (block.kind) {
    case "text":
      sum.bytes += size(block.text);
      return;
    case "thinking":
      sum.bytes += size(block.text);
      return;
    case "image":
      sum.tokens += TOKENS_PER_IMAGE;
      return;
    case "document":
      sum.bytes += size(block.title) + size(block.context);
      addSource(sum, block.source);
      return;
    case "tool_call":
      sum.bytes += size(block.name) + size(block.argsRaw);
      return;
    case "tool_result":
      for (const inner of block.content) addBlock(sum, inner);
      return;
    case "opaque":
      sum.bytes += sizeOf(block.raw);
  }
}

function toolBytes(tool: Tool): number {
  switch (tool.kind) {
    case "function":
      return size(tool.name) + size(tool.description) + sizeOf(tool.schema);
    case "custom":
      return size(tool.name) + size(tool.description) + sizeOf(tool.format);
    case "server":
      return sizeOf(tool.raw);
  }
}

/** Input tokens of a request, never 0. */
export function estimateInputTokens(request: CanonicalRequest): number {
  const sum: Count = { bytes: 0, tokens: request.messages.length * TOKENS_PER_MESSAGE };
  for (const block of request.system) addBlock(sum, block);
  for (const message of request.messages) for (const block of message.blocks) addBlock(sum, block);
  for (const tool of request.tools) {
    sum.bytes += toolBytes(tool);
    sum.tokens += TOKENS_PER_TOOL;
  }
  return Math.max(1, sum.tokens + Math.ceil(sum.bytes / BYTES_PER_TOKEN));
}

/** A rough count for a text nobody counted. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}
