// Whether what a client claims by its end is what there is: success without anything to show for it, or work in spite of a failure. Pure.
// Does not stop: a change that has nothing to do with what was asked; that is for verification and review.

import type { Finding } from "../verdict/categories.ts";
import type { Observed } from "../verdict/observed.ts";

/** `changes` of every kind, the repository's and allowed folders' too. `asked`: somebody who does not watch wants something done. */
export type Effect = { asked: boolean; end: Observed["end"]; changes: number };

/** Nothing, success without effect, or effect in spite of failure. */
export function effectFindings({ asked, end, changes }: Effect): Finding[] {
  if (end.kind !== "exited" || !asked) return [];
  const succeeded = end.code === 0 && end.signal === null;
  const of = (grade: Finding["grade"], reason: string): Finding[] => [
    { category: "no_effect", grade, reason, source: "observation" },
  ];
  if (succeeded && changes === 0) return of("finding", "the client reports success, and nothing was changed");
  if (!succeeded && changes > 0) return of("note", `the client reports failure, and ${changes} changes are there`);
  return [];
}
