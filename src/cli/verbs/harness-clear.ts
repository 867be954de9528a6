// `broke harness clear <run>`.

import { operatorVerb } from "../operate.ts";

export const verb = operatorVerb("clear", "Let a run that its governor holds go on with everything");
