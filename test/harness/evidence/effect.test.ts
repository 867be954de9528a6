// What a client claims by how it ends, held against what is there.

import { expect, test } from "bun:test";
import { effectFindings, type Effect } from "#harness/evidence/effect.ts";

const exited = (code: number, signal: number | null = null): Effect["end"] => ({ kind: "exited", code, signal });

test.each([
  ["task", exited(0), 0, "finding"],
  ["words", exited(0), 0, "note"],
  ["nothing", exited(0), 0, null],
  ["task", exited(0), 1, null],
  ["task", exited(1), 0, null],
  ["task", exited(1), 2, "note"],
  ["words", exited(0, 9), 2, "note"],
  ["task", { kind: "unobserved", reason: "x" }, 0, null],
] as [Effect["asked"], Effect["end"], number, string | null][])(
  "asked by %s, %j, %i changes: %s",
  (asked, end, changes, grade) => {
    const found = effectFindings({ asked, end, changes });
    expect(found.map(({ category, grade }) => [category, grade])).toEqual(
      grade === null ? [] : ([["no_effect", grade]] as never),
    );
  },
);
