// `broke gemini-acp new-session`.

import { geminiVerb, modeArg } from "../gemini-acp.ts";

export const verb = geminiVerb("new-session", "Open a session and print its id", modeArg);
