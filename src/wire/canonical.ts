// The form every dialect is translated through: ordered blocks, tool arguments as the raw text they arrived in, hub events for streams.
// Types only. Nothing here may know one dialect's spelling of anything.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import type { Hosted } from "#src/core/quirks.ts";
import type { WireError } from "./errors.ts";
import type { Loss } from "./losses.ts";

/** "The prefix up to here is worth caching"; `ttl` in the client's own words (`5m`, `1h`). */
export type CacheMark = { ttl?: string };

export type Source =
  | { kind: "base64"; mediaType: string; data: string }
  | { kind: "url"; url: string }
  | { kind: "text"; text: string }
  | { kind: "blocks"; blocks: Block[] }
  | { kind: "file"; id: string };

export type TextBlock = { kind: "text"; text: string; cache?: CacheMark };
/** `detail`, in OpenAI's word: how closely it is looked at; absent where that is left to the model. */
export type ImageBlock = { kind: "image"; source: Source; detail?: string; cache?: CacheMark };
export type DocumentBlock = { kind: "document"; source: Source; title?: string; context?: string; cache?: CacheMark };

/**
 * `signature` and `redacted` are bound to whoever minted them: `origin` is null when nobody signed, `scope` names the backend where it is
 * known (see `seal.ts`).
 */
export type ThinkingBlock = {
  kind: "thinking";
  text: string;
  signature?: string;
  redacted?: string;
  origin: Dialect | null;
  scope?: string;
  cache?: CacheMark;
};

/** `custom` takes free text instead of JSON; `server` runs at the provider and has no result from the client. */
export type CallKind = "function" | "custom" | "server";

/** `argsRaw` is never parsed and written again on its way through; a custom tool's is its free text. */
export type ToolCallBlock = {
  kind: "tool_call";
  id: string;
  name: string;
  namespace?: string;
  argsRaw: string;
  callKind: CallKind;
  cache?: CacheMark;
};
export type ToolResultBlock = {
  kind: "tool_result";
  callId: string;
  isError: boolean;
  content: Block[];
  cache?: CacheMark;
};

/** Something only its own dialect understands. */
export type OpaqueBlock = { kind: "opaque"; dialect: Dialect; type: string; raw: Json; cache?: CacheMark };

export type Block =
  TextBlock | ImageBlock | DocumentBlock | ThinkingBlock | ToolCallBlock | ToolResultBlock | OpaqueBlock;

export type Role = "system" | "developer" | "user" | "assistant" | "tool";
/** `path` is where it stands in the client's body, for what is said about it. */
export type Message = { role: Role; blocks: Block[]; path: string };

export type FunctionTool = {
  kind: "function";
  name: string;
  namespace?: string;
  description?: string;
  schema: Json;
  strict?: boolean;
  cache?: CacheMark;
};
/** `format` as Responses writes it. */
export type CustomTool = { kind: "custom"; name: string; namespace?: string; description?: string; format?: Json };
export type ServerTool = { kind: "server"; dialect: Dialect; type: string; name: string; hosted?: Hosted; raw: Json };
export type Tool = FunctionTool | CustomTool | ServerTool;

export type ToolChoice =
  { kind: "auto" } | { kind: "required" } | { kind: "none" } | { kind: "tool"; name: string; namespace?: string };

/** What the client asked for, each absent when it did not say. `effort` in the client's own word; `show`: whether it wants to read the thoughts. */
export type Reasoning = { mode?: "off" | "adaptive"; budgetTokens?: number; effort?: string; show?: boolean };

export type ResponseFormat =
  { kind: "json_object" } | { kind: "json_schema"; name?: string; schema: Json; strict?: boolean };

export type CanonicalRequest = {
  dialect: Dialect;
  model: string;
  system: Block[];
  messages: Message[];
  tools: Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  stopSequences: string[];
  reasoning?: Reasoning;
  /** `low`, `medium`, `high`: how much to say. */
  verbosity?: string;
  responseFormat?: ResponseFormat;
  stream: boolean;
  /** The client wants a stream's cost told at its end; only Chat's clients say so. */
  streamUsage?: boolean;
  /** The client reads one call of an answer, in the form older than lists of calls; only Chat's clients say so. */
  legacyCalls?: boolean;
  userId?: string;
  /** Requests with the same key share a prompt prefix. */
  cacheKey?: string;
  /** Top-level members only the client's own dialect understands. */
  extra: Record<string, Json>;
};

/** `inputTokens` leaves out what the cache served or took in. */
export type Usage = {
  inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
};

export type Stop =
  | { kind: "end" }
  | { kind: "max_tokens" }
  | { kind: "tool_use" }
  | { kind: "stop_sequence"; sequence: string | null }
  | { kind: "refusal" }
  | { kind: "pause" }
  | { kind: "context_window" }
  | { kind: "unknown"; raw: string };

/** `usage` is null when the provider did not say; `losses` are kinds of content that no block stands for, absent where there are none. */
export type CanonicalResponse = { blocks: Block[]; stop: Stop; usage: Usage | null; losses?: readonly Loss[] };

/** The upstream's own index or id of a block; unique within one answer. */
export type BlockKey = string;

export type BlockHead =
  | { kind: "text" }
  | { kind: "thinking"; redacted?: string; origin: Dialect | null }
  | { kind: "tool_call"; id: string; name: string; namespace?: string; callKind: CallKind };

/**
 * One step of an answer. Blocks may overlap and end in any order; `delta` continues a block's text, thinking or raw arguments. `usage` may
 * come repeatedly (the last one counts) and always before `stop`, which ends the blocks still open; `stop` and `error` are the two last words, exactly one of them comes.
 */
export type HubEvent =
  | { kind: "start" }
  | { kind: "blockStart"; key: BlockKey; head: BlockHead }
  | { kind: "delta"; key: BlockKey; text: string }
  | { kind: "signature"; key: BlockKey; signature: string }
  | { kind: "blockEnd"; key: BlockKey }
  | { kind: "usage"; usage: Usage }
  | { kind: "stop"; stop: Stop }
  | { kind: "error"; error: WireError };
