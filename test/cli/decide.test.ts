// The operator's answer to a verdict that waits: the first word holds, said again it finishes what it began, nothing lands twice; a worker that is sent
// back later goes on in its tree, and what it did before is held against it. Through the real launcher.

import { describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { type Bench, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";

const NARROW = 'test -z "$BROKE_OBJECTIONS"';

/** A run of this script in a copy, that waits for the operator. */
async function waiting(bench: Bench, script = "echo two > a", ...options: string[]): Promise<string> {
  if (!existsSync(join(bench.workspace, "a"))) writeFileSync(join(bench.workspace, "a"), "one\n");
  const ran = await bench.broke([
    ...["harness", "run", "--client", "exec", "--workspace", "copy", "--policy", "throughput", "--retries", "0"],
    ...[...(options.length > 0 ? options : ["--verify", "grep three a"]), "--", "sh", "-c", script],
  ]);
  expect([ran.code, / ([A-Z_]+) exit /.exec(ran.stderr)?.[1]]).toEqual([12, "ESCALATE"]);
  return runIdOf(ran);
}
const text = (bench: Bench, name = "a") => readFileSync(join(bench.workspace, name), "utf8");
const tree = (bench: Bench, id: string) => join(bench.home, "runs", id, "tree");
const decide = (bench: Bench, id: string, word: string, ...more: string[]): Promise<Ran> =>
  bench.broke(["harness", "decide", id, word, ...more]);
const audited = (bench: Bench, run: string) =>
  readFileSync(join(bench.home, "audit.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { run: string; event: string })
    .filter((record) => record.run === run && record.event.startsWith("work."))
    .map(({ event }) => event);
const events = (bench: Bench, id: string) =>
  readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; data: Record<string, unknown> });

describe("decide", () => {
  test("accept lands, once; the same word again changes nothing; another one is refused", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    expect([(await decide(bench, id, "ACCEPT")).code, text(bench)]).toEqual([0, "two\n"]);
    writeFileSync(join(bench.workspace, "a"), "mine\n");
    expect([(await decide(bench, id, "accept")).code, text(bench)]).toEqual([0, "mine\n"]);
    const other = await decide(bench, id, "block");
    expect([other.code, other.stderr, existsSync(tree(bench, id))]).toEqual([
      4,
      expect.stringContaining("it was decided already: accept"),
      true,
    ] as never);
    expect(audited(bench, id)).toEqual(["work.landed", "work.decided"]);
    expect((await bench.broke(["audit", "verify"])).code).toBe(0);
    expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  });

  test("block takes the work away", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    expect([(await decide(bench, id, "block")).code, text(bench), existsSync(tree(bench, id))]).toEqual([
      0,
      "one\n",
      false,
    ]);
    expect((await decide(bench, id, "accept")).code).toBe(4);
    expect(audited(bench, id)).toEqual(["work.discarded", "work.decided"]);
  });

  test("what cannot be taken over changes nothing and decides nothing", async () => {
    using bench = makeBench();
    const id = await waiting(bench, "echo two > a; echo two > b");
    writeFileSync(join(bench.workspace, "a"), "mine\n");
    const refused = await decide(bench, id, "accept");
    expect([refused.code, text(bench), existsSync(join(bench.workspace, "b"))]).toEqual([4, "mine\n", false]);
    expect([(await decide(bench, id, "block")).code, existsSync(tree(bench, id))]).toEqual([0, false]);
  });

  test("operators at the same time: one word holds, for the work too", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    const words = ["accept", "block", "accept", "block", "accept", "block"];
    const codes = await Promise.all(words.map(async (word) => (await decide(bench, id, word)).code));
    const held = openState({ BROKE_HOME: bench.home }).runs.get(id)?.decision?.word;
    const accepted = held === "accept";
    expect([text(bench), existsSync(tree(bench, id))]).toEqual(accepted ? ["two\n", true] : ["one\n", false]);
    // Whoever said the other word is refused; of those who said the same, some may find it going on.
    for (const [index, word] of words.entries()) expect(word === held ? [0, 3, 1, 4] : [4]).toContain(codes[index]!);
    expect(codes.filter((code) => code === 0).length).toBeGreaterThan(0);
    expect((await decide(bench, id, held!)).code).toBe(0);
  });

  test("killed after the word and before the deed: the same word does it, another one does not", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    openState({ BROKE_HOME: bench.home }).runs.decide(id, "accept");
    expect([(await decide(bench, id, "block")).code, text(bench)]).toEqual([4, "one\n"]);
    expect([(await decide(bench, id, "accept")).code, text(bench)]).toEqual([0, "two\n"]);
  });

  test("nothing waits: an accepted run, a ledger that was written to, a word nobody knows, a run nobody knows", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    const done = await bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
    const unknown = await decide(bench, id, "acept");
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("did you mean accept?")] as never);
    expect((await decide(bench, runIdOf(done), "accept")).code).toBe(4);
    expect((await decide(bench, "run_1795747642_00000000", "accept")).code).toBe(3);
    appendFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "{}\n");
    expect([(await decide(bench, id, "accept")).code, text(bench)]).toEqual([4, "one\n"]);
  });
});

describe("retry", () => {
  test("goes on in the tree it left, with what was objected to and what the operator says", async () => {
    using bench = makeBench();
    const script = `if ${NARROW}; then echo two > a; else cat a $BROKE_OBJECTIONS; echo three >> a; fi`;
    const id = await waiting(bench, script);
    const ran = await bench.broke(["harness", "retry", id, "--say", "end it with three"]);
    expect([ran.code, text(bench), existsSync(tree(bench, id))]).toEqual([0, "two\nthree\n", false]);
    expect(ran.stderr).toContain(" ACCEPT exit 0");
    expect(ran.stdout).toMatch(/^two\nYour work [\s\S]*end it with three[\s\S]*`grep three a` exited with 1/);
    const [registered, continues] = events(bench, runIdOf(ran));
    expect([registered!.event, continues]).toMatchObject([
      "run.registered",
      { event: "run.continues", data: { of: id } },
    ]);
    const again = await bench.broke(["harness", "retry", id]);
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining("sent back already")] as never);
    expect((await decide(bench, id, "accept")).code).toBe(4);
  });

  test("what the worker did before it was sent back is held against it", async () => {
    using bench = makeBench();
    mkdirSync(join(bench.workspace, "src"));
    writeFileSync(join(bench.workspace, "a.test.js"), 'test("x", () => { expect(1).toBe(1); expect(2).toBe(2); });\n');
    const script = `if ${NARROW}; then echo > a.test.js; else echo three > a; fi`;
    const id = await waiting(bench, script);
    const ran = await bench.broke(["harness", "retry", id]);
    expect(ran.stderr).toContain("a.test.js: 0 assertions, 2 before");
  });

  test("--broad begins again from a clean tree", async () => {
    using bench = makeBench();
    const script = `if ${NARROW}; then echo two > a; touch junk; else test ! -e junk && cat a && echo three > a; fi`;
    const id = await waiting(bench, script);
    const ran = await decide(bench, id, "broad");
    expect([ran.code, ran.stdout, text(bench), readdirSync(bench.workspace)]).toEqual([0, "one\n", "three\n", ["a"]]);
  });

  test("two at the same time: one run goes on", async () => {
    using bench = makeBench();
    const id = await waiting(bench, `if ${NARROW}; then echo two > a; else echo three >> a; fi`);
    const both = await Promise.all([0, 1].map(() => bench.broke(["harness", "retry", id])));
    expect(both.map(({ code }) => code === 0).toSorted()).toEqual([false, true]);
    expect(text(bench)).toBe("two\nthree\n");
  });

  test("that cannot be launched leaves the run as it was", async () => {
    using bench = makeBench();
    const id = await waiting(bench);
    writeFileSync(join(bench.home, "runs", id, "start.json"), "{}");
    expect((await bench.broke(["harness", "retry", id])).code).not.toBe(0);
    expect([(await decide(bench, id, "accept")).code, text(bench)]).toEqual([0, "two\n"]);
  });
});

describe("checkout", () => {
  test("says where the tree is, or copies it without what runs by itself or leads out", async () => {
    using bench = makeBench();
    const script =
      "echo two > a; mkdir -p .git/hooks .vscode d; echo x > .vscode/tasks.json; ln -s /etc/passwd d/out; ln -s ../a d/in";
    const id = await waiting(bench, script);
    expect((await bench.broke(["harness", "checkout", id])).stdout).toBe(`${tree(bench, id)}\n`);
    const made = await bench.broke(["harness", "checkout", id, "--out", "look", "--json"]);
    const { leftOut } = JSON.parse(made.stdout) as { leftOut: string[] };
    expect([made.code, readdirSync(join(bench.workspace, "look")).sort()]).toEqual([0, ["a", "d"]]);
    expect([readdirSync(join(bench.workspace, "look", "d")), leftOut.includes("d/out")]).toEqual([["in"], true]);
    expect((await bench.broke(["harness", "checkout", id, "--out", "look"])).code).toBe(2);
    symlinkSync(bench.home, join(bench.workspace, "way"));
    for (const into of [join(bench.home, "in"), "way/in", "no/in"])
      expect((await bench.broke(["harness", "checkout", id, "--out", into])).code).toBe(2);
  });
});

describe("retry in the workspace itself", () => {
  const direct = async (bench: Bench) => {
    writeFileSync(join(bench.workspace, "a"), "one\n");
    const script = `if ${NARROW}; then echo two > a; else cat a; echo three >> a; fi`;
    const ran = await bench.broke([
      ...["harness", "run", "--client", "exec", "--workspace", "direct", "--policy", "throughput", "--retries", "0"],
      ...["--verify", "grep three a", "--", "sh", "-c", script],
    ]);
    expect(ran.code).toBe(12);
    return runIdOf(ran);
  };

  test("goes on where it ended, as long as nobody has been there", async () => {
    using bench = makeBench();
    const id = await direct(bench);
    const ran = await bench.broke(["harness", "retry", id]);
    expect([ran.code, ran.stdout, text(bench)]).toEqual([0, "two\n", "two\nthree\n"]);
    expect(ran.stderr).toContain(" ACCEPT exit 0");
  });

  test("not once something was changed: nobody could tell whose it is", async () => {
    using bench = makeBench();
    const id = await direct(bench);
    writeFileSync(join(bench.workspace, "mine"), "");
    const ran = await bench.broke(["harness", "retry", id]);
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining("changed since it ended")] as never);
    expect((await decide(bench, id, "broad")).code).toBe(4);
    expect([(await decide(bench, id, "accept")).code, text(bench)]).toEqual([0, "two\n"]);
  });
});
