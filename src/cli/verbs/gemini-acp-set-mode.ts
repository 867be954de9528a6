// `broke gemini-acp set-mode`.

import { geminiVerb, modeArg, sessionArg } from "../gemini-acp.ts";

export const verb = geminiVerb("set-mode", "Choose what a session may do from the next prompt on", {
  ...sessionArg,
  mode: { ...modeArg["mode"]!, required: true },
});
