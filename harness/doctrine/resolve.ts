// Names of doctrines to what they come to together.

import { composeDoctrines, type Stack } from "./compose.ts";
import { CORE, doctrineOf } from "./doctrine.ts";

/** Core and the named ones, in their order; core may be named. Throws `usage` or `denied` naming what is wrong. */
export function resolveDoctrines(names: readonly string[]): Stack {
  const named = names[0] === CORE ? names.slice(1) : names;
  return composeDoctrines([CORE, ...named].map(doctrineOf));
}
