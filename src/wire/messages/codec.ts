// The inbound half of Anthropic Messages: what Claude Code and its kin speak to us.

import type { InboundCodec } from "../dialect.ts";
import { encodeError } from "./errors.ts";
import { decodeRequest } from "./request.ts";
import { encodeResponse } from "./response.ts";
import { encodeStream } from "./stream.ts";

export const messagesInbound: InboundCodec = { decodeRequest, encodeResponse, encodeStream, encodeError };
