// The table of codecs: every dialect, as clients speak it to us, as we speak it to providers, and as it passes untouched.

import type { Dialect } from "#src/core/dialects.ts";
import { chatInbound, chatOutbound } from "./chat/codec.ts";
import { chatPass } from "./chat/pass.ts";
import type { InboundCodec, OutboundCodec, PassCodec } from "./dialect.ts";
import { geminiInbound, geminiOutbound, geminiPass } from "./gemini/codec.ts";
import { messagesInbound, messagesOutbound } from "./messages/codec.ts";
import { messagesPass } from "./messages/pass.ts";
import { responsesInbound, responsesOutbound, responsesPass } from "./responses/codec.ts";

/** What clients speak to us. */
export const inbound: Readonly<Record<Dialect, InboundCodec>> = {
  anthropic: messagesInbound,
  "openai-chat": chatInbound,
  "openai-responses": responsesInbound,
  gemini: geminiInbound,
};

/** What we speak to providers. */
export const outbound: Readonly<Record<Dialect, OutboundCodec>> = {
  anthropic: messagesOutbound,
  "openai-chat": chatOutbound,
  "openai-responses": responsesOutbound,
  gemini: geminiOutbound,
};

/** What passes untouched, watched from the side. */
export const passing: Readonly<Record<Dialect, PassCodec>> = {
  anthropic: messagesPass,
  "openai-chat": chatPass,
  "openai-responses": responsesPass,
  gemini: geminiPass,
};
