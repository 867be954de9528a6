// What each profile stops and does not is said in one place, and the README says it word for word.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { profileNotes } from "#sandbox/profile-notes.ts";
import { profileNames } from "#sandbox/profile.ts";
import { ROOT } from "#test/support/broke.ts";

const readme = readFileSync(`${ROOT}/sandbox/README.md`, "utf8");

test.each([...profileNames])("%s", (name) => {
  const { summary, stops, doesNotStop } = profileNotes[name];
  expect(
    [
      `- **${name}**: ${summary}.`,
      `  - stops: ${stops.join("; ")}.`,
      `  - does not stop: ${doesNotStop.join("; ")}.`,
    ].filter((line) => !readme.includes(`${line}\n`)),
  ).toEqual([]);
});
