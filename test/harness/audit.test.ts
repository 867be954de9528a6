// The launch audit: what is in it, what several writers at once make of it, and that whatever is done to the file is noticed.

import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditLaunch, type AuditLog, type LaunchEnd, launchesOf, openAudit } from "#harness/audit.ts";
import { openDatabase } from "#src/state/database.ts";
import { openHeads } from "#src/state/heads.ts";
import { type Home, openHome } from "#src/state/paths.ts";
import { signingKeys } from "#src/state/secrets.ts";
import { type Bench, LAUNCHER, makeBench, ROOT, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const folder = mkdtempSync(join(tmpdir(), "broke-audit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const done: LaunchEnd = { outcome: "completed", verdict: "ACCEPT", exit_code: 0, exit_source: "client" };

function newAudit(): { home: Home; log: AuditLog } {
  const home = openHome({ BROKE_HOME: join(folder, Bun.randomUUIDv7()) });
  let now = 1_700_000_000_000;
  const heads = openHeads(openDatabase(home));
  return { home, log: openAudit({ file: home.audit, heads, keys: signingKeys(home), clock: () => now++ }) };
}

/** Three launches, the last one refused. */
function written(): { home: Home; log: AuditLog; lines: string[] } {
  const { home, log } = newAudit();
  for (const run of ["a", "b"]) {
    const launch = auditLaunch(log, run, { client: "exec" });
    launch.started({ secret: 1 });
    launch.ended(done);
  }
  auditLaunch(log, "c", { client: "codex" }).ended({ ...done, outcome: "failed", verdict: "BLOCK", exit_code: 3 });
  return { home, log, lines: readFileSync(home.audit, "utf8").trimEnd().split("\n") };
}

test("a launch is started and ended, or refused, under one run", () => {
  const { log, home } = written();
  const { records, verification } = log.read();
  expect(records.map(({ seq, run, event }) => [seq, run, event])).toEqual([
    [1, "a", "launch.started"],
    [2, "a", "launch.ended"],
    [3, "b", "launch.started"],
    [4, "b", "launch.ended"],
    [5, "c", "launch.refused"],
  ]);
  expect(verification).toEqual({ state: "intact", records: 5, line: null, reason: null });
  expect(launchesOf(records).map(({ run, start, end }) => [run, start.client, end?.outcome, end?.exit_code])).toEqual([
    ["a", "exec", "completed", 0],
    ["b", "exec", "completed", 0],
    ["c", "codex", "failed", 3],
  ]);
  expect(statSync(home.audit).mode & 0o777).toBe(0o600);
});

describe("what is done to the file is noticed, at its line, and nothing more is launched into it", () => {
  const text = (lines: string[]) => lines.map((line) => `${line}\n`).join("");
  const EDITED = "the record was edited";
  const ORDER = "a record is missing or out of order";
  const SHORT = "the ledger ends before its recorded head";
  const LINE = "the line is not a ledger record";
  const cases: [string, (lines: string[]) => string, number, string][] = [
    ["an outcome changed", (lines) => text(lines.with(4, lines[4]!.replace("failed", "passed"))), 5, EDITED],
    ["a run changed", (lines) => text(lines.with(4, lines[4]!.replace('"run":"c"', '"run":"d"'))), 5, EDITED],
    ["the last line gone", (lines) => text(lines.slice(0, -1)), 5, SHORT],
    ["all but one gone", (lines) => text(lines.slice(0, 1)), 2, SHORT],
    ["emptied", () => "", 1, SHORT],
    ["its end cut in the middle of a line", (lines) => text(lines).slice(0, -20), 5, SHORT],
    ["other words at the end", (lines) => `${text(lines)}hello\n`, 6, LINE],
    ["a blank line at the end", (lines) => `${text(lines)}\n`, 6, LINE],
  ];
  for (const [name, change, line, reason] of cases) {
    test(name, () => {
      const { home, log, lines } = written();
      writeFileSync(home.audit, change(lines));
      expect(log.read().verification).toMatchObject({ state: "tampered", line, reason });
      expect(() => auditLaunch(log, "d", {}).started({})).toThrow(`${home.audit} is not as it was last written`);
      expect(log.read().verification.state).toBe("tampered");
    });
  }

  const inside: [string, (lines: string[]) => string[], number, string][] = [
    ["the last line twice", (lines) => [...lines, lines[4]!], 6, ORDER],
    ["a line in the middle gone", (lines) => lines.toSpliced(1, 1), 2, ORDER],
    ["two lines swapped", (lines) => lines.with(1, lines[2]!).with(2, lines[1]!), 2, ORDER],
    ["a value in the middle", (lines) => lines.with(0, lines[0]!.replace("exec", "none")), 1, EDITED],
  ];
  for (const [name, change, line, reason] of inside) {
    test(`${name}: found by verifying`, () => {
      const { home, log, lines } = written();
      writeFileSync(home.audit, text(change(lines)));
      expect(log.read().verification).toMatchObject({ state: "tampered", line, reason });
    });
  }

  test("taken away", () => {
    const { home, log } = written();
    rmSync(home.audit);
    expect(log.read().verification).toMatchObject({ state: "tampered", line: 1, reason: SHORT });
    expect(() => auditLaunch(log, "d", {}).started({})).toThrow("is not as it was last written");
  });

  test("a link in its place is neither read nor written", () => {
    const { home, log } = newAudit();
    const elsewhere = join(home.root, "elsewhere");
    writeFileSync(elsewhere, "");
    symlinkSync(elsewhere, home.audit);
    expect(() => auditLaunch(log, "d", {}).started({})).toThrow("cannot be written");
    expect(readFileSync(elsewhere, "utf8")).toBe("");
  });

  test("a run's ledger put in its place: same key, another kind of history", async () => {
    using bench = makeBench();
    const id = runIdOf(await bench.broke(["harness", "run", "--client", "exec", "--", "true"]));
    const ledger = readFileSync(join(bench.home, "runs", id, "ledger.jsonl"));
    writeFileSync(join(bench.home, "audit.jsonl"), ledger);
    expect(await bench.broke(["audit", "verify"])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("first bad line 1: a signature is missing or misplaced"),
    });
  });
});

describe("a writer that died", () => {
  test("in the middle of a line: set aside, and the next goes on", () => {
    const { home, log } = written();
    appendFileSync(home.audit, '{"v":1,"run":"');
    expect(log.read().verification).toMatchObject({ state: "incomplete", reason: "the last line is torn" });
    auditLaunch(log, "d", {}).started({});
    expect(log.read().verification).toEqual({ state: "intact", records: 6, line: null, reason: null });
    expect(readFileSync(`${home.audit}.torn`, "utf8")).toBe('{"v":1,"run":"');
  });

  test("between the file and the head: the record counts", () => {
    const { home, log } = written();
    const heads = openHeads(openDatabase(home));
    const { records } = log.read();
    heads.advance("audit", () => ({ seq: 4, hash: records[3]!.hash }));
    expect(log.read().verification).toMatchObject({
      state: "incomplete",
      reason: "the last record's head was not stored",
    });
    auditLaunch(log, "d", {}).started({});
    expect(log.read().verification).toMatchObject({ state: "intact", records: 6 });
  });

  test("both are taken over by who settles it, and nothing that is no writer's", () => {
    const { home, log } = written();
    const { records } = log.read();
    const heads = openHeads(openDatabase(home));
    heads.advance("audit", () => ({ seq: records.length - 1, hash: records.at(-2)!.hash }));
    expect(log.read().verification.state).toBe("incomplete");
    log.settle();
    expect(log.read().verification.state).toBe("intact");
    appendFileSync(home.audit, '{"v":1,"run":"');
    log.settle();
    expect(log.read().verification.state).toBe("intact");
    heads.advance("audit", () => ({ seq: 2, hash: records[1]!.hash }));
    expect(() => log.settle()).toThrow("is not as it was last written");
  });

  test("a head further behind is none a writer leaves", () => {
    const { home, log } = written();
    const { records } = log.read();
    openHeads(openDatabase(home)).advance("audit", () => ({ seq: 3, hash: records[2]!.hash }));
    expect(log.read().verification).toMatchObject({
      ...{ state: "tampered", line: 4, reason: "the file goes on past its recorded head" },
    });
  });
});

test("begun anew, it goes on with the next number, says that it was, and keeps the old file", () => {
  const { home, log, lines } = written();
  writeFileSync(home.audit, `${lines[0]}\n`);
  const aside = log.restart()!;
  expect(readFileSync(aside, "utf8")).toBe(`${lines[0]}\n`);
  auditLaunch(log, "d", {}).started({});
  const { records, verification } = log.read();
  expect(records.map(({ seq, event }) => [seq, event])).toEqual([
    [6, "audit.restarted"],
    [7, "launch.started"],
  ]);
  expect(verification).toEqual({ state: "intact", records: 2, line: null, reason: null });
  writeFileSync(home.audit, `${readFileSync(home.audit, "utf8").split("\n")[1]}\n`);
  expect(log.read().verification).toMatchObject({ state: "tampered", line: 1 });
});

test("four processes with 30 launches each: every record its own number, none missing, the chain whole", async () => {
  const { home, log } = newAudit();
  const writers = ["w", "x", "y", "z"].map((name) =>
    Bun.spawn([process.execPath, join(ROOT, "test", "support", "audit-writer.ts"), "30", name], {
      env: { BROKE_HOME: home.root },
      stdio: ["ignore", "ignore", "inherit"],
    }),
  );
  expect(await Promise.all(writers.map((writer) => writer.exited))).toEqual([0, 0, 0, 0]);
  const { records, verification } = log.read();
  expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
  const launches = launchesOf(records);
  expect([launches.length, launches.filter(({ end }) => end?.outcome === "completed").length]).toEqual([120, 120]);
  expect(verification.state).toBe("intact");
});

describe("through the product", () => {
  const listed = async (bench: Bench) => JSON.parse((await bench.broke(["audit", "--json"])).stdout) as object[];
  const strict = {
    files: "workspace",
    variables: "none",
    network: "run socket only",
    workspace: "direct",
    protected_opened: [],
    unix_sockets: "closed",
    client_state: "run",
  };

  test("a run, a short form, a refusal and several at once are in it; no name or value of a variable is", async () => {
    using bench = makeBench();
    const env = { SECRETIVE_API_KEY: "value-of-a-secret", LD_X: "y", ORDINARY_NAME: "ordinary-value" };
    const run = (words: string[]) => bench.broke(words, { env });
    const first = runIdOf(
      await run(["harness", "run", "--client", "exec", "--sandbox", "hardened", "--", "sh", "-c", "exit 7"]),
    );
    await run(["codex", "--version"]);
    rmSync(join(bench.workspace, ".gemini"), { recursive: true, force: true });
    symlinkSync(bench.workspace, join(bench.workspace, ".gemini"));
    await run(["g", "--version"]);
    rmSync(join(bench.workspace, ".gemini"));
    await Promise.all(
      ["one", "two", "three"].map((name) => {
        const cwd = join(bench.home, "..", name);
        mkdirSync(cwd);
        return bench.broke(["harness", "run", "--client", "exec", "--", "true"], { env, cwd });
      }),
    );
    const launches = await listed(bench);
    expect(launches.length).toBe(6);
    expect(launches[0]).toEqual({
      run: first,
      at: expect.any(String),
      start: {
        client: "exec",
        profile: "hardened",
        permissions: { ...strict, network: "egress proxy", net: { any_public: true, allow: [], deny: [] } },
        variables_dropped: { secret: 1, loader: 0, broke: 1, other: 6 },
        variables_passed: { secret: 1, loader: 0, broke: 0, other: 19 },
      },
      end: { outcome: "completed", verdict: "RETRY_NARROW", exit_code: 7, exit_source: "client" },
    });
    expect(launches[1]).toMatchObject({
      start: { client: "codex", profile: "strict", permissions: strict },
      end: { outcome: "completed" },
    });
    expect(launches[2]).toMatchObject({
      start: { client: "gemini", profile: "strict" },
      end: { outcome: "failed", verdict: "BLOCK", exit_code: 4, exit_source: "broke" },
    });
    const text = readFileSync(join(bench.home, "audit.jsonl"), "utf8");
    for (const word of ["SECRETIVE", "value-of-a-secret", "ORDINARY_NAME", "ordinary-value", "brokerun_", "exit 7"])
      expect(text).not.toContain(word);
    expect(await bench.broke(["audit", "verify"])).toEqual({ code: 0, stdout: "intact: 11 records\n", stderr: "" });
  });

  test("a launch whose supervisor was killed has no end until it is reconciled, once", async () => {
    using bench = makeBench();
    const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo up; sleep 60"], {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await readFrom(child.stdout).until("up");
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
    child.kill("SIGKILL");
    await child.exited;
    expect(await listed(bench)).toMatchObject([{ end: null }]);
    const [id] = readdirSync(join(bench.home, "runs"));
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe(`${id}: abandoned\n`);
    expect(await listed(bench)).toMatchObject([
      { run: id, end: { outcome: "abandoned", verdict: null, exit_code: null, exit_source: "broke" } },
    ]);
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
    expect((await bench.broke(["audit", "verify"])).stdout).toBe("intact: 2 records\n");
  });

  test("a damaged one refuses launches with the way on, and says where", async () => {
    using bench = makeBench();
    const run = () => bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
    await run();
    const file = join(bench.home, "audit.jsonl");
    const lines = readFileSync(file, "utf8").split("\n");
    expect((await bench.broke(["audit", "restart"])).stderr).toBe(
      "broke: the launch audit is not damaged\nbroke: `broke audit verify` checks it\n",
    );
    writeFileSync(file, `${lines[0]}\n`);
    expect(await bench.broke(["audit", "verify", "--json"])).toMatchObject({ code: 1, stderr: "" });
    expect(await run()).toEqual({
      code: 3,
      stdout: "",
      stderr: `broke: ${file} is not as it was last written\nbroke: \`broke audit verify\` says what is wrong with it; \`broke audit restart\` sets it aside\n`,
    });
    expect((await bench.broke(["audit"])).stderr).toBe(
      "broke: the audit is tampered: the ledger ends before its recorded head\n",
    );
    expect((await bench.broke(["audit", "restart"])).stdout).toStartWith("begun anew; the old file is ");
    expect((await run()).code).toBe(0);
    expect((await bench.broke(["audit", "verify"])).code).toBe(0);
  });
});
