// `broke key-state set <name> <state>`: the operator's own word.

import { healthSetVerb } from "../health-verbs.ts";

export const verb = healthSetVerb("key");
