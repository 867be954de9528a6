// `broke harness attach <run>`.

import { viewerVerb } from "../operate.ts";

export const verb = viewerVerb("attach", "Show what a run's client writes, from its last screenful on");
