// Where nobody takes the answer: a reader that goes away ends the command quietly, a full disk is said.

import { describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

/** Runs a line of shell in the workspace, `broke` in it; what it wrote to standard error. */
async function shell(bench: Bench, line: string): Promise<string> {
  const child = Bun.spawn(["bash", "-c", `broke() { ${LAUNCHER} "$@"; }; ${line}`], {
    ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "pipe"] },
  });
  const [said] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  return said;
}

const codeOf = (bench: Bench) => readFileSync(join(bench.workspace, "code"), "utf8");

describe("a reader that went away", () => {
  test("while a log was followed", async () => {
    using bench = makeBench();
    await bench.broke(["init"]);
    const log = join(bench.home, "gateway.log");
    writeFileSync(log, "first\n", { mode: 0o600 });
    const ended = shell(bench, "{ broke logs -f; echo $? > code; } | head -n 1");
    while (!existsSync(join(bench.workspace, "code"))) {
      appendFileSync(log, "more\n");
      await Bun.sleep(20);
    }
    expect([await ended, codeOf(bench)]).toEqual(["", "141\n"]);
  });

  test.each([
    "export",
    "list --json",
    "--help",
    "completion bash",
    "harness events RUN",
    "harness events RUN --follow",
  ])("before anything was written: %s", async (words) => {
    using bench = makeBench();
    const run = words.includes("RUN")
      ? runIdOf(await bench.broke(["harness", "run", "--client", "exec", "--", "true"]))
      : "";
    const command = `broke ${words.replace("RUN", run)}`;
    const said = await shell(
      bench,
      `{ until [ -e gone ]; do sleep 0.01; done; ${command}; echo $? > code; } | { exec <&-; touch gone; }`,
    );
    expect([said, codeOf(bench)]).toEqual(["", "141\n"]);
  });

  test("a run goes on to its verdict", async () => {
    using bench = makeBench();
    const run = "broke harness run --client exec -- sh -c 'echo done > made'";
    const said = await shell(
      bench,
      `{ until [ -e gone ]; do sleep 0.01; done; ${run}; echo $? > code; } | { exec <&-; touch gone; }`,
    );
    expect([said.includes(" ACCEPT"), codeOf(bench), existsSync(join(bench.workspace, "made"))]).toEqual([
      true,
      "0\n",
      true,
    ]);
  });
});

test.each(["export", "list", "--help"])("an answer that there is no room for: %s", async (words) => {
  using bench = makeBench();
  const said = await shell(bench, `broke ${words} > /dev/full; echo $? > code`);
  expect([said, codeOf(bench)]).toEqual(["broke: the answer could not be written to its end\n", "3\n"]);
});

test("one that a reader is slow to take comes whole", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "big"), `${"x".repeat(99)}\n`.repeat(1_500));
  const id = runIdOf(await bench.broke(["harness", "run", "--client", "exec", "--", "cp", "big", "copy"]));
  expect(await shell(bench, `broke harness diff ${id} | { sleep 0.3; wc -c > code; }`)).toBe("");
  const { stdout } = await bench.broke(["harness", "diff", id]);
  expect([Number(codeOf(bench)), stdout.length > 150_000]).toEqual([Buffer.byteLength(stdout), true]);
});
