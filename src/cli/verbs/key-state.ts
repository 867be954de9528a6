// `broke key-state`: what is held now, and why.

import { healthListVerb } from "../health-verbs.ts";

export const verb = healthListVerb("key");
