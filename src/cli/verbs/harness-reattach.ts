// `broke harness reattach <run>`.

import { viewerVerb } from "../operate.ts";

export const verb = viewerVerb("reattach", "Show it again after you went");
