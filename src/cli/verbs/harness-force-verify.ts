// `broke harness force-verify <run>`.

import { operatorVerb } from "../operate.ts";

export const verb = operatorVerb("force-verify", "Let a run do nothing but verify until that is green");
