// How many assertions a test file holds, by the words its language asserts with: a test whose assertions are gone passes. Pure, and by words alone.
// Does not stop: assertions made weaker, or never reached.

import type { Finding } from "../verdict/categories.ts";

const languages: { files: RegExp; assertion: RegExp }[] = [
  {
    files: /(^|\/)(test|tests|spec|__tests__)\/.*\.[cm]?[jt]sx?$|[._-](test|spec)\.[cm]?[jt]sx?$/,
    assertion: /\b(?:expect|assert(?:\.\w+)?|t\.(?:assert|is|true|equal|deepEqual|throws))\s*\(/g,
  },
  {
    files: /(^|\/)(test_[^/]*|[^/]*_test|conftest)\.py$|(^|\/)tests?\/.*\.py$/,
    assertion: /\bassert\b(?!\w)|\bself\.(?:assert\w+|fail)\s*\(|\bpytest\.raises\b/g,
  },
  {
    files: /_test\.go$/,
    assertion: /\bt\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\b(?:assert|require)\.\w+\s*\(/g,
  },
  { files: /\.rs$/, assertion: /\b(?:debug_)?assert(?:_eq|_ne|_matches)?!\s*[([{]|#\[should_panic/g },
];

/** Whether a file of this path holds tests, as far as its name tells. */
export const isTestFile = (path: string): boolean => languages.some(({ files }) => files.test(path));

/** Assertions in a file; undefined when the path is no test file's. Comments of whole lines do not count. */
export function countAssertions(path: string, text: string): number | undefined {
  const language = languages.find(({ files }) => files.test(path));
  if (language === undefined) return undefined;
  const code = text.replace(/^\s*(?:\/\/|#(?!\[)).*$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");
  return code.match(language.assertion)?.length ?? 0;
}

/** Test files that hold fewer assertions than before, and those that are gone. `after` null: the file was deleted. */
export function lostAssertions(changes: readonly { path: string; before: string; after: string | null }[]): Finding[] {
  return changes.flatMap(({ path, before, after }): Finding[] => {
    const was = countAssertions(path, before);
    if (was === undefined || was === 0) return [];
    const is = after === null ? 0 : (countAssertions(path, after) ?? 0);
    if (is >= was) return [];
    const reason =
      after === null ? `${path} was deleted, with ${was} assertions` : `${path}: ${is} assertions, ${was} before`;
    return [{ category: "suspicious_tests", grade: "finding", reason, source: "observation" }];
  });
}
