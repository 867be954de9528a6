// Runs type check, format check and every test, and ends with one line `N passed, N failed` for continuous integration.
// Totals come from the runner's own JUnit report; a runner that dies without one counts as a failure.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const reports = join(root, ".reports");
const bun = process.execPath;
const TEST_TIMEOUT_MS = 120_000;

async function run(argv: string[]): Promise<number> {
  return await Bun.spawn(argv, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).exited;
}

function totals(file: string): { passed: number; failed: number; skipped: number } {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const head = /<testsuites[^>]*>/.exec(text)?.[0] ?? "";
  const number = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  const skipped = number("skipped");
  return { passed: number("tests") - failed - skipped, failed, skipped };
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports);
const check = await run([bun, "check", "--no-script"]);
const format = await run([bun, "fmt", "--check", "src", "harness", "sandbox", "acp", "shims", "test"]);
const report = join(reports, "junit.xml");
const extra = process.argv.slice(2);
const code = await run([
  bun,
  "test",
  `--timeout=${TEST_TIMEOUT_MS}`,
  "--reporter=junit",
  `--reporter-outfile=${report}`,
  ...extra,
]);
const sum = totals(report);
const steps = [check, format].filter((status) => status !== 0).length;
const failed = sum.failed + steps + (code !== 0 && sum.failed === 0 ? 1 : 0);
const passed = sum.passed + (2 - steps);
process.stdout.write(`${passed} passed, ${failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}\n`);
process.exit(failed === 0 ? 0 : 1);
