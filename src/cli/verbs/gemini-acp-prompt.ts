// `broke gemini-acp prompt`.

import { geminiVerb, modeArg, sessionArg } from "../gemini-acp.ts";

export const verb = geminiVerb("prompt", "Ask Gemini CLI something and print its answer", {
  ...{ ...modeArg, "session-id": { ...sessionArg["session-id"]!, required: false } },
  text: { type: "string", required: true, description: "what is asked", valueHint: "words" },
  timeout: { type: "string", description: "cancel it after this, as in 90s, 10m", valueHint: "duration" },
});
