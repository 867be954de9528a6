// What clients put around the words their shells are given, to the letter: taken off, so that the words themselves are judged. Anything else stays, and
// is judged with them. Pure.
// Does not stop: a shell's start file in the client's own home from having been changed.

import { withoutWrapping } from "../view.ts";

/** Gemini CLI 0.61. The trap runs in the same shell as the command, which must not touch what it uses. */
const GEMINI =
  /^shopt -u promptvars nullglob extglob nocaseglob dotglob; _bgpids_file=\/tmp\/gemini-shell-\w+\/bgpids\.tmp\n\(\n {2}trap 'jobs -p > "\$_bgpids_file"' EXIT\n([\s\S]*)\n\)\n__code=\$\?\nexit \$__code$/;
const TOUCHES = /_bgpids|\btrap\b|__code/;

/** The words that were meant. */
export function unwrapped(script: string): string {
  const inner = GEMINI.exec(script)?.[1];
  if (inner !== undefined && !TOUCHES.test(inner)) return inner;
  return withoutWrapping(script);
}
