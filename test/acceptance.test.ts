// The acceptance cases the harness was specified by, each with the tests that show it: their files and titles are there, so that none is lost when
// tests are moved or renamed. What each case says is in its tests.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import written from "./cases/acceptance.json";

const ROOT = join(import.meta.dir, "..");
const shown = v.object({ file: v.string(), title: v.string() });
const cases = v.parse(v.record(v.pipe(v.string(), v.digits()), v.pipe(v.array(shown), v.minLength(1))), written);

/** The cases of routing, and those of the harness: 39–63, 65–67, 81, 82, 85. */
const routing = [1, 2, 3, 4, 15, 16, 18, 19, 20, 21, 22, 25, 26, 28, 30];
const wanted = [...routing, ...Array.from({ length: 25 }, (_, at) => 39 + at), 65, 66, 67, 81, 82, 85].map(String);

test("every case is shown by a test that is there", () => {
  expect(Object.keys(cases)).toEqual(wanted);
  const lost = Object.values(cases)
    .flat()
    .filter(
      ({ file, title }) => !existsSync(join(ROOT, file)) || !readFileSync(join(ROOT, file), "utf8").includes(title),
    );
  expect(lost).toEqual([]);
});
