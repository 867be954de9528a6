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

const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
/** Of the gateway and its routing 1–38, of the harness 39–67 and 80–85, of the ACP server and its lanes 68–79. */
const wanted = between(1, 86).map(String);

test("every case is shown by a test that is there", () => {
  expect(Object.keys(cases)).toEqual(wanted);
  const lost = Object.values(cases)
    .flat()
    .filter(
      ({ file, title }) => !existsSync(join(ROOT, file)) || !readFileSync(join(ROOT, file), "utf8").includes(title),
    );
  expect(lost).toEqual([]);
});
