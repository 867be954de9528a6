// Whether what a client claims by its end is what there is: success without anything to show for it, or work in spite of a failure. Pure.
// Does not stop: a change that has nothing to do with what was asked; that is for verification and review.

import type { Finding } from "../verdict/categories.ts";
import type { Observed } from "../verdict/observed.ts";

/**
 * `changes` of every kind, the repository's and allowed folders' too. `asked`: by a task, or by words of the client's own that
 * nobody watches it follow, which may have been a question.
 */
export type Effect = { asked: "task" | "words" | "nothing"; end: Observed["end"]; changes: number };

/** Nothing, success without effect, or effect in spite of failure. */
export function effectFindings({ asked, end, changes }: Effect): Finding[] {
  if (end.kind !== "exited" || asked === "nothing") return [];
  const succeeded = end.code === 0 && end.signal === null;
  const of = (grade: Finding["grade"], reason: string): Finding[] => [
    { category: "no_effect", grade, reason, source: "observation" },
  ];
  if (succeeded && changes === 0)
    return of(asked === "task" ? "finding" : "note", "the client reports success, and nothing was changed");
  if (!succeeded && changes > 0) return of("note", `the client reports failure, and ${changes} changes are there`);
  return [];
}
