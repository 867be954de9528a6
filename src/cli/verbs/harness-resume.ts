// `broke harness resume <run>`.

import { operatorVerb } from "../operate.ts";

export const verb = operatorVerb("resume", "Let an interrupted run go on");
