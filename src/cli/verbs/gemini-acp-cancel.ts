// `broke gemini-acp cancel`.

import { geminiVerb, sessionArg } from "../gemini-acp.ts";

export const verb = geminiVerb("cancel", "End the prompt that is going on in a session", sessionArg);
