// The tables of codecs. A dialect that is not in one cannot be translated from or to yet; between equal dialects bytes pass untouched.

import { chatOutbound } from "./chat/codec.ts";
import type { Dialect } from "#src/core/dialects.ts";
import type { InboundCodec, OutboundCodec, PassCodec } from "./dialect.ts";
import { messagesInbound } from "./messages/codec.ts";
import { messagesPass } from "./messages/pass.ts";

/** What clients may speak to us. */
export const inbound: { anthropic: InboundCodec } & { [dialect in Dialect]?: InboundCodec } = {
  anthropic: messagesInbound,
};

/** What we speak to providers. */
export const outbound: { "openai-chat": OutboundCodec } & { [dialect in Dialect]?: OutboundCodec } = {
  "openai-chat": chatOutbound,
};

/** What passes untouched, watched from the side. */
export const passing: { anthropic: PassCodec } & { [dialect in Dialect]?: PassCodec } = { anthropic: messagesPass };
