// Which mode a run gets: the one asked for, else by who watches and what decides.

import { expect, test } from "bun:test";
import { chooseMode, workspaceModes } from "#harness/workspace-mode.ts";

const cases = [
  [{ interactive: true, policy: true, isRepository: true }, "direct"],
  [{ interactive: true, policy: false, isRepository: false }, "direct"],
  [{ interactive: false, policy: false, isRepository: true }, "direct"],
  [{ interactive: false, policy: true, isRepository: true }, "worktree"],
  [{ interactive: false, policy: true, isRepository: false }, "copy"],
] as const;
test.each(cases)("%j → %s", (run, mode) => expect(chooseMode({ asked: undefined, ...run })).toBe(mode));

test("what is asked for is what it is, and unknown words are refused", () => {
  const run = { interactive: false, policy: true, isRepository: true };
  expect(workspaceModes.map((asked) => chooseMode({ asked, ...run }))).toEqual([...workspaceModes]);
  for (const asked of ["", "Direct", "toString", "worktrees"])
    expect(() => chooseMode({ asked, ...run })).toThrow(expect.objectContaining({ kind: "usage" }));
});
