// `broke harness interrupt <run>`.

import { operatorVerb } from "../operate.ts";

export const verb = operatorVerb(
  "interrupt",
  "Stop every process of a run until it is resumed; the time does not count",
);
