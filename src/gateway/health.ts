// What the health routes answer.

import * as v from "valibot";

/** The process answers. */
export const alive = v.object({ status: v.literal("alive") });

/** Routing and keys can be read. */
export const ready = v.object({ status: v.literal("ready"), generation: v.number() });
