// The tables of codecs. A dialect that is not in one cannot be translated from or to yet; between equal dialects bytes pass untouched.

import { chatOutbound } from "./chat/codec.ts";
import type { Dialect, InboundCodec, OutboundCodec } from "./dialect.ts";
import { messagesInbound } from "./messages/codec.ts";

/** What clients may speak to us. */
export const inbound: { anthropic: InboundCodec } & { [dialect in Dialect]?: InboundCodec } = {
  anthropic: messagesInbound,
};

/** What we speak to providers. */
export const outbound: { "openai-chat": OutboundCodec } & { [dialect in Dialect]?: OutboundCodec } = {
  "openai-chat": chatOutbound,
};
