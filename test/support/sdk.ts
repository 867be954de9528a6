// The official SDKs as clients of the gateway, one conversation each, told in words free of any dialect. History is kept in the SDK's own objects,
// as its users keep it: what an answer brought goes back as it is.

import { anthropicTalk } from "./sdk/anthropic.ts";
import { chatTalk } from "./sdk/chat.ts";
import { geminiTalk } from "./sdk/gemini.ts";
import { responsesTalk } from "./sdk/responses.ts";

export type Call = { id: string; name: string; args: unknown };
export type Said = {
  text: string;
  thinking: string;
  calls: Call[];
  /** In the SDK's own word. */
  stop: string;
  tokens: { input: number; output: number };
};

export type Options = {
  stream: boolean;
  tools?: boolean;
  thinking?: boolean;
  signal?: AbortSignal;
  /** Called with each piece of text of a stream. */
  onText?: (text: string) => void;
};

export type Talk = {
  /** Says something, with a picture if there is one (base64 PNG), and returns the answer. Rejects with the SDK's own error. */
  say(text: string, options: Options, png?: string): Promise<Said>;
  /** Gives every call of the last answer its result, in this order. */
  answer(results: { call: Call; text: string }[], options: Options): Promise<Said>;
};

export type Sdk = {
  name: string;
  /** A conversation through the gateway at `url`, with its token. */
  talk(url: string, token: string): Talk;
  /** Words for: an end, a call of tools, the limit reached, a refusal. */
  stops: { end: string; tools: string; limit: string; refusal: string };
};

export const WEATHER = {
  name: "weather",
  description: "The weather of a city",
  schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] },
};

export const sdks: Sdk[] = [
  {
    name: "@anthropic-ai/sdk",
    talk: anthropicTalk,
    stops: { end: "end_turn", tools: "tool_use", limit: "max_tokens", refusal: "refusal" },
  },
  {
    name: "openai, Chat",
    talk: chatTalk,
    stops: { end: "stop", tools: "tool_calls", limit: "length", refusal: "content_filter" },
  },
  {
    name: "openai, Responses",
    talk: responsesTalk,
    stops: {
      end: "completed",
      tools: "completed",
      limit: "incomplete max_output_tokens",
      refusal: "incomplete content_filter",
    },
  },
  {
    name: "@google/genai",
    talk: geminiTalk,
    stops: { end: "STOP", tools: "STOP", limit: "MAX_TOKENS", refusal: "SAFETY" },
  },
];
