// The verdict decides what happens to the work: accepted, it lands; sent back, it waits; blocked, it is gone; and what cannot land changes nothing and is
// the operator's to decide. Through the real launcher, with real git.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";

const git = async (bench: Bench, ...words: string[]) => {
  const child = Bun.spawn(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...words], {
    ...{ cwd: bench.workspace, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    env: { ...bench.env, GIT_CONFIG_NOSYSTEM: "1" },
  });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return text.trim();
};

async function repository(bench: Bench): Promise<void> {
  writeFileSync(join(bench.workspace, "a"), "one\n");
  await git(bench, "init", "-q");
  await git(bench, "add", "a");
  await git(bench, "commit", "-qm", "first");
}

const words = (mode: string, verify: string, ...options: string[]) => [
  ...["harness", "run", "--client", "exec", "--workspace", mode, "--policy", "throughput", "--verify", verify],
  ...options,
];
const trees = (bench: Bench, ran: Ran) => existsSync(join(bench.home, "runs", runIdOf(ran), "tree"));
const events = (bench: Bench, ran: Ran) =>
  readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event)
    .filter((event) => /^workspace\.(kept|landed|discarded)$/.test(event));

describe("worktree", () => {
  const judged = async (verify: string, ...options: string[]) => {
    using bench = makeBench();
    await repository(bench);
    const ran = await bench.broke([...words("worktree", verify, ...options), "--", "sh", "-c", "echo two > a"]);
    const refs = await git(bench, "for-each-ref", "--format=%(refname)", "refs/broke/runs");
    const result = refs === "" ? null : await git(bench, "show", `${refs}:a`);
    expect(readFileSync(join(bench.workspace, "a"), "utf8")).toBe("one\n");
    return { code: ran.code, result, tree: trees(bench, ran), events: events(bench, ran) };
  };

  test("accepted: a ref of the repository, to be merged", async () => {
    expect(await judged("grep two a")).toEqual({
      ...{ code: 0, result: "two", tree: true, events: ["workspace.kept", "workspace.landed"] },
    });
  });
  test("sent back as often as may be: nothing but where it is, and the operator decides", async () => {
    expect(await judged("grep three a")).toEqual({ code: 12, result: null, tree: true, events: ["workspace.kept"] });
  });
  test("blocked: discarded", async () => {
    expect(await judged("true", "--forbidden-paths", "a")).toEqual({
      ...{ code: 13, result: null, tree: false, events: ["workspace.discarded"] },
    });
  });
});

describe("--base", () => {
  const run = (bench: Bench, base: string, mode = "worktree") =>
    bench.broke([
      ...words(mode, "true", "--base", base),
      "--",
      "sh",
      "-c",
      "test ! -e untracked && cat a; echo three > a",
    ]);
  const made = async (bench: Bench) => {
    await repository(bench);
    await git(bench, "tag", "-m", "one", "v1");
    await git(bench, "branch", "old");
    writeFileSync(join(bench.workspace, ".gitattributes"), "a filter=evil\n");
    await git(bench, "config", "filter.evil.smudge", `touch ${bench.home}/sprung`);
    writeFileSync(join(bench.workspace, "a"), "two\n");
    await git(bench, "add", ".");
    await git(bench, "commit", "-qm", "second");
    writeFileSync(join(bench.workspace, "a"), "uncommitted\n");
    writeFileSync(join(bench.workspace, "untracked"), "");
  };

  test.each(["old", "v1", "refs/heads/old", "HEAD", "a commit"])(
    "%s: its files, and nothing of the workspace",
    async (base) => {
      using bench = makeBench();
      await made(bench);
      const isLast = base === "HEAD" || base === "a commit";
      const oid = await git(bench, "rev-parse", isLast ? "HEAD" : "old");
      const ran = await run(bench, base === "a commit" ? oid : base);
      expect([ran.code, ran.stdout]).toEqual([0, isLast ? "two\n" : "one\n"]);
      const [ref] = (await git(bench, "for-each-ref", "--format=%(refname)", "refs/broke/runs")).split("\n");
      expect([await git(bench, "show", `${ref}:a`), await git(bench, "rev-parse", `${ref}^`)]).toEqual(["three", oid]);
      expect(existsSync(join(bench.home, "sprung"))).toBe(false);
    },
  );

  test("HEAD of a repository without a commit names none", async () => {
    using bench = makeBench();
    await git(bench, "init", "-q");
    const ran = await run(bench, "HEAD");
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("--base names no commit") });
  });

  test.each([
    ["nowhere", "worktree"],
    ["--upload-pack=x", "worktree"],
    ["HEAD@{0}", "worktree"],
    ["old", "copy"],
  ])("%p with %s is a usage error", async (base, mode) => {
    using bench = makeBench();
    await made(bench);
    const ran = await run(bench, base, mode);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
  });
});

describe("copy", () => {
  test("accepted: taken over into the workspace, once", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "a"), "one\n");
    const script = "echo two > a; mkdir d; echo x > d/b";
    const ran = await bench.broke([...words("copy", "grep two a"), "--", "sh", "-c", script]);
    expect([
      ran.code,
      readFileSync(join(bench.workspace, "a"), "utf8"),
      readdirSync(join(bench.workspace, "d")),
    ]).toEqual([...[0, "two\n", ["b"]]] as never);
    expect(events(bench, ran)).toEqual(["workspace.kept", "workspace.landed"]);
    const again = await bench.broke(["harness", "land", runIdOf(ran), "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ landed: [], held: [] });
  });

  test("changed meanwhile in the workspace too: the operator decides, and nothing was taken over", async () => {
    using bench = makeBench();
    for (const name of ["a", "b"]) writeFileSync(join(bench.workspace, name), "one\n");
    const script = "echo two > a; echo two > b; until [ -e go ]; do sleep 0.05; done; rm go";
    const running = bench.broke([...words("copy", "true"), "--", "sh", "-c", script]);
    const runs = join(bench.home, "runs");
    const treeOf = () => {
      const run = existsSync(runs) ? readdirSync(runs)[0] : undefined;
      const tree = run === undefined ? "" : join(runs, run, "tree");
      return existsSync(join(tree, "b")) && readFileSync(join(tree, "b"), "utf8") === "two\n" ? tree : undefined;
    };
    while (treeOf() === undefined) await Bun.sleep(20);
    writeFileSync(join(bench.workspace, "a"), "mine\n");
    writeFileSync(join(treeOf()!, "go"), "");
    const ran = await running;
    expect([
      ran.code,
      readFileSync(join(bench.workspace, "a"), "utf8"),
      readFileSync(join(bench.workspace, "b"), "utf8"),
    ]).toEqual([...[12, "mine\n", "one\n"]] as never);
    expect([ran.stderr.includes("ESCALATE exit 12"), trees(bench, ran)]).toEqual([true, true]);
  });

  test("blocked: gone, and the workspace is as it was", async () => {
    using bench = makeBench();
    mkdirSync(join(bench.workspace, "d"));
    const ran = await bench.broke([...words("copy", "true", "--forbidden-paths", "d"), "--", "touch", "d/x"]);
    expect([ran.code, readdirSync(join(bench.workspace, "d")), trees(bench, ran)]).toEqual([13, [], false] as never);
    expect(await bench.broke(["harness", "land", runIdOf(ran)])).toMatchObject({ code: 3, stdout: "" });
  });
});

test("without a policy nothing is decided for anybody", async () => {
  using bench = makeBench();
  const ran = await bench.broke([
    "harness",
    "run",
    "--client",
    "exec",
    "--workspace",
    "copy",
    "--",
    "sh",
    "-c",
    "touch x; exit 3",
  ]);
  expect([ran.code, readdirSync(bench.workspace), trees(bench, ran)]).toEqual([3, [], true] as never);
});
