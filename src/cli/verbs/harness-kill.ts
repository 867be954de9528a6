// `broke harness kill <run>`.

import { operatorVerb } from "../operate.ts";

export const verb = operatorVerb(
  "kill",
  "End a run: its client is asked, and two seconds later killed with all it started",
);
