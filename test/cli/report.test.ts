// Reports of a run as CI gets them. Through the real launcher, with a worker that wants something else to be written.

import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

const run = (bench: Bench, options: string[], script: string, env: Record<string, string> = {}) =>
  bench.broke(["harness", "run", "--client", "exec", "--workspace", "direct", ...options, "--", "sh", "-c", script], {
    env,
  });

const text = (bench: Bench, name: string) => readFileSync(join(bench.workspace, name), "utf8");

test("a run that is not accepted: every form, GitHub's outputs, summary and annotations, and no command of the client's", async () => {
  using bench = makeBench();
  const [output, summary] = [join(bench.home, "..", "output"), join(bench.home, "..", "summary")];
  for (const file of [output, summary]) writeFileSync(file, "before\n");
  const ran = await run(
    bench,
    [
      ...["--policy", "throughput", "--retries", "0"],
      "--verify",
      "test -e other",
      "--report",
      "json=r.json,junit=r.xml",
      "--report",
      "sarif=r.sarif,md=r.md",
    ],
    "echo '::set-output name=a::b'; echo '::error::mine' >&2; echo x > made",
    { CI: "1", GITHUB_ACTIONS: "true", GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary },
  );
  const why = "verification: `test -e other` exited with 1";
  const report = JSON.parse(text(bench, "r.json"));
  expect([ran.code, ran.stdout]).toEqual([12, ": :set-output name=a::b\n"]);
  expect(ran.stderr.split("\n").filter((line) => /^\s*:/.test(line))).toEqual([
    ": :error::mine",
    `::error title=broke ESCALATE::${why}`,
  ]);
  expect(report).toMatchObject({
    ...{ run: runIdOf(ran), client: "exec", profile: "strict", policy: "throughput", verdict: "ESCALATE" },
    ...{ reasons: [why], exit: { code: 12, source: "verdict" } },
    findings: [{ word: "ESCALATE", category: "correctness", from: "observation", reason: why }],
    verification: [{ command: "test -e other", failure: "exited with 1" }],
    changes: { total: 1, created: 1, paths: [{ change: "created", path: "made" }] },
    ledger: { state: "intact" },
  });
  expect(text(bench, "r.xml")).toContain('<testcase name="verdict" classname="broke"');
  expect(JSON.parse(text(bench, "r.sarif")).runs[0].results[0]).toMatchObject({
    ruleId: "correctness",
    level: "error",
  });
  expect(text(bench, "r.md")).toStartWith("## ❌ broke: ESCALATE\n");
  expect(readFileSync(output, "utf8")).toMatch(/^before\nverdict<<(broke_[0-9a-f]{32})\nESCALATE\n\1\n/);
  expect(readFileSync(summary, "utf8")).toBe(`before\n${text(bench, "r.md")}\n`);
  const again = await bench.broke(["harness", "report", report.run, "--form", "junit"]);
  expect([again.code, again.stdout]).toEqual([0, text(bench, "r.xml")]);
});

test("what is shown of a run in a CI job holds no command either", async () => {
  using bench = makeBench();
  const ran = await run(bench, [], "touch '##[error]x'; printf ' a\n ::error::mine\n' > t; /bin/echo '##[warning]q'");
  const id = runIdOf(ran);
  const shown = [
    ["show"],
    ["show", "--json"],
    ["events"],
    ["events", "--json"],
    ["diff"],
    ["diff", "--json"],
    ["replay"],
  ];
  for (const [verb, ...rest] of [...shown, ["report", "--form", "md"], ["report"]]) {
    const { code, stdout, stderr } = await bench.broke(["harness", verb!, id, ...rest], {
      env: { GITHUB_ACTIONS: "true" },
    });
    const commands = `${stdout}${stderr}`.split("\n").filter((line) => /^\s*::|##\[/.test(line));
    expect([verb, rest, code, commands]).toEqual([verb, rest, 0, []]);
  }
  const plain = await bench.broke(["harness", "diff", id]);
  expect(plain.stdout).toContain("b/##[error]x");
});

test("of a worker that was sent back, the last turn's verification", async () => {
  using bench = makeBench();
  await run(
    bench,
    ["--policy", "throughput", "--retries", "1", "--verify", "false", "--report", "json=r.json"],
    "echo x > made",
  );
  expect(JSON.parse(text(bench, "r.json"))).toMatchObject({ attempts: 2, verification: [{ command: "false" }] });
  expect(JSON.parse(text(bench, "r.json")).verification).toHaveLength(1);
});

describe("a job's files", () => {
  const NAMES = ["ledger.jsonl", "patch.diff", "report.json", "report.md", "report.sarif", "report.xml"];
  const ALL = [...NAMES, "session.cast", "verification.log"].sort();
  const kept = (bench: Bench, script: string) =>
    run(bench, ["--policy", "throughput", "--verify", "cat made", "--artifacts", "kept"], `echo x > made; ${script}`);

  test("have fixed names", async () => {
    using bench = makeBench();
    const ran = await kept(bench, "mkdir kept/report.json; echo forged > kept/report.md");
    expect([
      ran.code,
      readdirSync(join(bench.workspace, "kept"))
        .filter((name) => !name.startsWith("."))
        .sort(),
    ]).toEqual([0, ALL]);
    expect(text(bench, "kept/patch.diff")).toContain("+x\n");
    expect(text(bench, "kept/verification.log")).toBe("$ cat made\nx\n\n");
    expect(JSON.parse(text(bench, "kept/report.json"))).toMatchObject({ run: runIdOf(ran) });
    expect(text(bench, "kept/report.md")).toStartWith("## ");
    expect(JSON.parse(text(bench, "kept/session.cast").split("\n")[0]!)).toMatchObject({ version: 3 });
  });

  test("are the supervisor's in whatever folder of the workspace has the name, and nowhere else", async () => {
    using bench = makeBench();
    const outside = join(dirname(bench.workspace), "outside");
    mkdirSync(outside);
    const another = await kept(bench, "mv kept moved; mkdir kept; echo forged > kept/report.json");
    expect([another.code, JSON.parse(text(bench, "kept/report.json")).run]).toEqual([0, runIdOf(another)]);
    const led = await kept(bench, `mv kept led; ln -s ${outside} kept`);
    expect([led.code, led.stderr.includes("leads somewhere else now"), readdirSync(outside)]).toEqual([4, true, []]);
    expect(readdirSync(join(bench.workspace, "led")).sort()).toEqual(ALL);
  });
});

test.each([
  ["", "--artifacts needs a value"],
  [".", "--artifacts is the workspace itself"],
  ["mine", "--artifacts has files that are not from a run: ledger.jsonl, report.md"],
])("--artifacts %p, where files of one's own are, is refused; nothing runs and they stay", async (folder, said) => {
  using bench = makeBench();
  mkdirSync(join(bench.workspace, "mine"));
  const own = ["report.md", "mine/report.md", "mine/ledger.jsonl"];
  for (const name of own) writeFileSync(join(bench.workspace, name), "mine\n");
  const ran = await run(bench, ["--artifacts", folder], "touch ran");
  expect([ran.code, ran.stderr.includes(said), readdirSync(bench.workspace).sort()]).toEqual([
    2,
    true,
    ["mine", "report.md"],
  ]);
  expect(own.map((name) => text(bench, name))).toEqual(own.map(() => "mine\n"));
});

test("a folder with an earlier run's files takes the next run's", async () => {
  using bench = makeBench();
  const again = async () => [(await run(bench, ["--artifacts", "kept"], "true")).code, text(bench, "kept/report.json")];
  const [[first, before], [second, after]] = [await again(), await again()];
  expect([first, second, before === after]).toEqual([0, 0, false]);
});

test("without GitHub nothing of the client's output is changed, and an accepted run annotates nothing", async () => {
  using bench = makeBench();
  const plain = await run(bench, [], "echo '::error::mine'");
  const accepted = await run(bench, [], "true", { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: join(bench.home, "nowhere") });
  expect([plain.code, plain.stdout]).toEqual([0, "::error::mine\n"]);
  expect([accepted.code, accepted.stderr.includes("::")]).toEqual([0, false]);
});

test("what the worker makes of a report's path leads nowhere", async () => {
  using bench = makeBench();
  const outside = join(dirname(bench.workspace), "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "r.json"), "mine\n");
  mkdirSync(join(bench.workspace, "reports"));
  writeFileSync(join(bench.workspace, "reports", "r.md"), "old\n");
  const ran = await run(
    bench,
    ["--report", "json=reports/r.json,md=reports/r.md"],
    `ln -s ${outside}/r.json reports/r.json; rm reports/r.md; ln -s ${outside}/r.md reports/r.md; mv reports moved; ln -s ${outside} reports`,
  );
  expect([ran.code, ran.stderr.includes(" ACCEPT")]).toEqual([4, true]);
  expect(ran.stderr).toContain("a report is not where it was to be: reports/r.json, reports/r.md");
  expect([readdirSync(outside), readFileSync(join(outside, "r.json"), "utf8")]).toEqual([["r.json"], "mine\n"]);
  expect(lstatSync(join(bench.workspace, "moved", "r.json")).isFile()).toBe(true);
  expect(JSON.parse(text(bench, "moved/r.json"))).toMatchObject({ run: runIdOf(ran) });
  expect(text(bench, "moved/r.md")).toStartWith("## ");
});

test("a report of the worker's own in the place of ours is not left there", async () => {
  using bench = makeBench();
  for (const name of ["reports", "more"]) mkdirSync(join(bench.workspace, name));
  const ran = await run(
    bench,
    ["--report", "json=reports/r.json,md=more/r.md"],
    'mv reports moved; mkdir reports; echo \'{"verdict":"mine"}\' > reports/r.json; mkdir -p more/r.md/full',
  );
  expect([ran.code, JSON.parse(text(bench, "reports/r.json"))]).toMatchObject([0, { run: runIdOf(ran) }]);
  expect(text(bench, "more/r.md")).toStartWith("## ");
});

test("a link that stood there before the run is no folder for reports", async () => {
  using bench = makeBench();
  const outside = join(dirname(bench.workspace), "outside");
  mkdirSync(outside);
  symlinkSync(outside, join(bench.workspace, "reports"));
  const ran = await run(bench, ["--report", "json=reports/r.json"], "touch ran");
  expect([ran.code, existsSync(join(bench.workspace, "ran")), readdirSync(outside)]).toEqual([4, false, []]);
  expect(ran.stderr).toContain("symbolic link");
});

test.each([
  ["json", "--report takes form=file"],
  ["jsn=x", "did you mean json?"],
  ["json=nowhere/x", "a report has no folder to go to"],
  ["json=.", "a report has no folder to go to"],
  ["json=x,md=x", "two reports have the same file"],
])("--report %s is a mistake, and nothing runs", async (word, said) => {
  using bench = makeBench();
  const ran = await run(bench, ["--report", word], "touch ran");
  expect([ran.code, ran.stderr.includes(said), existsSync(join(bench.workspace, "ran"))]).toEqual([2, true, false]);
});

test("a launch that is refused says so where GitHub shows it", async () => {
  using bench = makeBench();
  const ran = await run(bench, ["--policy", "strictest"], "true", { GITHUB_ACTIONS: "true" });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toStartWith("::error title=broke::");
});

test("what a report cannot be put into is refused before the run, and what is there stays", async () => {
  using bench = makeBench();
  const pipe = join(bench.workspace, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  symlinkSync("/dev/null", join(bench.workspace, "null"));
  const asked = (...options: string[]) => run(bench, options, "touch ran");
  for (const words of [
    "json=/dev/stdout",
    "json=null",
    "json=pipe",
    "json=a.json,md=./a.json",
    "json=a.json,md=../ws/a.json",
  ]) {
    const name = bench.workspace.slice(bench.workspace.lastIndexOf("/") + 1);
    const refused = await asked("--report", words.replace("../ws", `../${name}`));
    expect([words, refused.code]).toEqual([words, 2]);
  }
  // A file system that takes nothing, for root too.
  const refused = await asked("--report", "json=/proc/self/report.json");
  expect([refused.code, refused.stderr.split("\n")[0]]).toEqual([
    2,
    "broke: the report /proc/self/report.json cannot be written there",
  ]);
  expect((await asked("--artifacts", "/proc/self")).code).toBe(2);
  expect(
    ["ran", "pipe", "null"].map((name) => lstatSync(join(bench.workspace, name), { throwIfNoEntry: false })?.isFIFO()),
  ).toEqual([...[undefined, true, false]]);
  expect(lstatSync("/dev/stdout").isSymbolicLink()).toBe(true);
});
