// Words of the form name=value.

import { BrokeError } from "#src/core/errors.ts";

/** Both halves of each word. Throws `usage`, saying what the form is, when one is missing. */
export function readAssignments(words: string[], form: string): { name: string; value: string }[] {
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1 || at === word.length - 1) throw new BrokeError("usage", `an assignment is ${form}`);
    return { name: word.slice(0, at), value: word.slice(at + 1) };
  });
}
