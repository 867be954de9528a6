// `broke gemini-acp initialize`.

import { geminiVerb } from "../gemini-acp.ts";

export const verb = geminiVerb("initialize", "Say what the server can do");
