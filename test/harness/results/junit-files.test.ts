// What a verification's own JUnit says, through the launcher: a failure in it counts however the command ended.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { junitSince } from "#harness/results/junit-files.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";

const suite = (...cases: string[]) => `<testsuites><testsuite>${cases.join("")}</testsuite></testsuites>`;
const good = (name: string) => `<testcase classname="c" name="${name}"/>`;
const bad = (name: string) => `<testcase classname="c" name="${name}"><failure/></testcase>`;

test("files that were written since then, wherever they lie, and no others", () => {
  const root = mkdtempSync(join(tmpdir(), "broke-junit-"));
  try {
    for (const folder of ["reports", "node_modules/x"]) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, "TEST-a.xml"), suite(good("1"), bad("2")));
    writeFileSync(join(root, "reports/b.xml"), suite(good("3")));
    writeFileSync(join(root, "node_modules/x/c.xml"), suite(bad("4")));
    writeFileSync(join(root, "pom.xml"), "<project/>");
    symlinkSync("/etc/passwd", join(root, "link.xml"));
    expect(junitSince(root, 0)).toMatchObject({ runner: "junit", passed: 2, failed: 1, failedNames: ["c 2"] });
    expect(junitSince(root, Date.now() + 1_000)).toBeUndefined();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("files of other kinds do not count, however many; of test suites all are read up to a number of bytes, and what is more is told", () => {
  const root = mkdtempSync(join(tmpdir(), "broke-junit-"));
  try {
    for (let at = 0; at < 300; at++) writeFileSync(join(root, `other-${at}.xml`), "<layout/>");
    for (let at = 0; at < 150; at++) writeFileSync(join(root, `TEST-${at}.xml`), suite(good(String(at))));
    const long = `<!-- ${"x".repeat(9_000)} -->${suite(bad("z"), `<system-out>${"x".repeat(9 << 20)}</system-out>`)}`;
    writeFileSync(join(root, "long.xml"), `<?xml version="1.0"?>\n${long}`);
    expect(junitSince(root, 0)).toMatchObject({ state: "ran", passed: 150, failed: 1, failedNames: ["c z"] });
    expect(junitSince(root, 0, 1 << 20)).toMatchObject({ state: "partial", passed: 150, failed: 0 });
    expect(junitSince(root, 0, 1)).toMatchObject({ state: "partial", passed: 0 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("written or printed by a command that ends well, a failure is told, and recorded as results", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "old.xml"), suite(bad("old")));
  const verdict = async (verify: string) => {
    const options = ["--policy", "throughput", "--retries", "0", "--verify", verify];
    const words = ["harness", "run", "--client", "exec", ...options, "--"];
    const ran = await bench.broke([...words, "sh", "-c", "echo x > made"]);
    const { stdout } = await bench.broke(["harness", "report", runIdOf(ran), "--form", "json"]);
    return { text: ran.stderr, shown: stdout };
  };
  const printed = await verdict(`echo before; echo '${suite(good("a"), bad("b"))}'`);
  expect(printed.text).toContain("junit: 1 tests failed, and the command ended well: c b");
  const written = await verdict(`echo '${suite(good("a"), bad("b"))}' > out.xml`);
  expect(written.text).toContain("junit: 1 tests failed, and the command ended well: c b");
  const whole = await verdict(`echo '${suite(good("a"), good("b"))}' > out.xml`);
  expect([whole.text.includes("tests failed"), whole.text.includes(" exit 0 ")]).toEqual([false, true]);
  expect(whole.shown).toContain('"passed": 2');
}, 60_000);
