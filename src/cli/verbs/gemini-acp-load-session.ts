// `broke gemini-acp load-session`.

import { geminiVerb, sessionArg } from "../gemini-acp.ts";

export const verb = geminiVerb("load-session", "Show what was said in a session", sessionArg);
