// What becomes of an overlay's work: by verdict, by going on or beginning again, after a crash; and where there is none to be had.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkOut } from "#harness/checkout.ts";
import { landRun } from "#harness/land.ts";
import { openState } from "#src/cli/compose.ts";
import { openLaunchAudit } from "#src/cli/audit.ts";
import { type Ran, runIdOf } from "#test/support/broke.ts";
import { type OverlayBench, overlayBench } from "#test/support/overlay.ts";
import { readFrom } from "#test/support/reading.ts";
import { launchers } from "#test/support/tree.ts";

const NARROW = 'test -z "$BROKE_OBJECTIONS"';
const JUDGED = ["--policy", "throughput", "--verify", "grep three a"];

const events = (it: OverlayBench, id: string) =>
  readFileSync(join(it.runFolder(id), "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; data: Record<string, unknown> });
const attempts = (it: OverlayBench, id: string) =>
  events(it, id)
    .filter(({ event }) => event === "attempt.ended")
    .map(({ data }) => [data.verdict, data.next]);
const left = (it: OverlayBench, id: string) =>
  ["origin.json", "upper", "work"].filter((name) => existsSync(join(it.runFolder(id), name)));

function made(launcher: string): OverlayBench {
  const it = overlayBench(launcher);
  it.put("a", "one\n");
  it.put("lib/b", "b\n");
  it.own();
  return it;
}

/** A run of this script that waits for the operator. */
async function waiting(it: OverlayBench, script: string): Promise<string> {
  const ran = await it.broke(it.words(script, ...JUDGED, "--retries", "0"));
  expect([ran.code, / ([A-Z_]+) exit /.exec(ran.stderr)?.[1]]).toEqual([12, "ESCALATE"]);
  return runIdOf(ran);
}

describe.each(launchers)("by %s", (launcher) => {
  test("a verdict lands it, or leaves nothing of it", async () => {
    using it = made(launcher);
    const ran = await it.broke(it.words("echo three > a; echo c > c", ...JUDGED));
    expect([ran.code, it.text("a"), it.text("c")]).toEqual([0, "three\n", "c\n"]);
    const blocked = await it.broke(it.words("echo x > lib/b", ...JUDGED, "--forbidden-paths", "lib"));
    expect([blocked.code, it.text("lib/b"), left(it, runIdOf(blocked))]).toEqual([13, "b\n", []]);
    expect(blocked.stderr).toContain("the work was discarded\n");
  });

  test("sent back, the worker goes on in the same tree, or in a clean one, within the run", async () => {
    using it = made(launcher);
    const on = await it.broke(
      it.words(
        `if ${NARROW}; then echo two > a; rm lib/b; else cat a; test ! -e lib/b; echo three >> a; fi`,
        ...JUDGED,
      ),
    );
    expect([on.code, on.stdout, it.text("a"), existsSync(it.at("lib/b"))]).toEqual([0, "two\n", "two\nthree\n", false]);
    expect(attempts(it, runIdOf(on))).toEqual([
      ["RETRY_NARROW", "narrow"],
      ["ACCEPT", null],
    ]);
  });

  test("begun again, it finds every entry as it is in the workspace, and only what it then does is taken over", async () => {
    using it = made(launcher);
    for (const name of ["keep", "mode", "gone/deep/x", "swap", "dir/y"]) it.put(name, `${name}\n`);
    Bun.spawnSync(["ln", "-s", "keep", it.at("link")]);
    it.own();
    const listing = "find . -type f -not -empty -printf '%p %m ' -exec cat {} ';' | sort; readlink link";
    const spoil = `echo two > a; chmod 700 mode; rm -r gone; rm swap; mkdir swap; echo j > swap/j; rm -r dir; echo f > dir
      ln -sfn a link; mkdir -p junk/deep; echo j > junk/deep/j; chmod 500 junk; echo more >> lib/b`;
    const ran = await it.broke(
      it.words(
        `if ${NARROW}; then ${listing}; echo ---; ${spoil}; else ${listing}; test ! -e junk; echo three > a; fi`,
        ...[...JUDGED, "--risk", "high"],
      ),
    );
    const [first, second] = ran.stdout.split("---\n");
    expect([ran.code, second, second?.includes("gone/deep/x")]).toEqual([0, first!, true]);
    const id = runIdOf(ran);
    expect(attempts(it, id)).toEqual([
      ["RETRY_BROAD", "broad"],
      ["ACCEPT", null],
    ]);
    const landed = events(it, id).find(({ event }) => event === "workspace.landed");
    expect(landed?.data).toMatchObject({ mode: "overlay", landed: ["a"], held: [] });
    expect(readdirSync(it.ws).sort()).toEqual(["a", "dir", "gone", "keep", "lib", "link", "mode", "swap"]);
  });

  test("sent back later, a run of its own goes on in the tree, which is then its own", async () => {
    using it = made(launcher);
    const id = await waiting(it, `if ${NARROW}; then echo two > a; rm lib/b; else cat a; echo three >> a; fi`);
    const ran = await it.broke(["harness", "retry", id, "--say", "end it with three"]);
    expect([ran.code, ran.stdout, it.text("a"), existsSync(it.at("lib/b"))]).toEqual([
      0,
      "two\n",
      "two\nthree\n",
      false,
    ]);
    expect([left(it, id), left(it, runIdOf(ran))]).toEqual([[], ["origin.json", "upper", "work"]]);
    expect((await it.land(id)).code).toBe(3);
    const out = join(it.base, "out");
    expect([(await it.broke(["harness", "checkout", id, "--out", out])).code, existsSync(out)]).toEqual([3, false]);
    expect((await it.broke(["harness", "decide", id, "accept"])).stderr).toContain("decided already: retry");
    expect((await it.land(runIdOf(ran))).stdout).toBe("");
    for (const run of [id, runIdOf(ran)]) expect((await it.broke(["harness", "discard", run])).code).toBe(0);
  });

  test("two operators send it back at the same time: one run goes on, and the other disturbs nothing", async () => {
    using it = made(launcher);
    const id = await waiting(
      it,
      `if ${NARROW}; then echo two > a; else sleep 1; echo three >> a; echo more > lib/b; fi`,
    );
    const both = await Promise.all([0, 1].map(() => it.broke(["harness", "retry", id])));
    expect(both.map(({ code }) => code === 0).toSorted()).toEqual([false, true]);
    expect([it.text("a"), it.text("lib/b")]).toEqual(["two\nthree\n", "more\n"]);
  });

  test("what cannot go on leaves the work where it was; accepted, it is taken over; blocked, it is gone", async () => {
    using it = made(launcher);
    const id = await waiting(it, "echo two > a");
    writeFileSync(join(it.runFolder(id), "start.json"), "{}");
    expect((await it.broke(["harness", "decide", id, "retry"])).code).toBe(3);
    expect([(await it.broke(["harness", "decide", id, "accept"])).code, it.text("a")]).toEqual([0, "two\n"]);
    const other = await waiting(it, "echo x > a");
    expect([(await it.broke(["harness", "decide", other, "block"])).code, left(it, other)]).toEqual([0, []]);
    expect((await it.broke(["harness", "decide", other, "accept"])).stderr).toContain("decided already: block");
    expect(it.text("a")).toBe("two\n");
  });

  test("a run in the workspace itself works beside it, and what that one put there meanwhile is nobody's work", async () => {
    using it = made(launcher);
    const child = it.start([
      "harness",
      "run",
      "--client",
      "exec",
      "--",
      "sh",
      "-c",
      "echo up; while [ ! -e end ]; do sleep 0.05; done",
    ]);
    await readFrom(child.stdout).until("up");
    const id = await it.run("echo two > a");
    expect((await it.land(id)).code).toBe(4);
    it.put("end", "");
    await child.exited;
    expect(await it.land(id)).toMatchObject({ code: 0, stdout: "a\n", stderr: "" });
  });

  test("decided broad, a run of its own begins with the workspace as it is", async () => {
    using it = made(launcher);
    const id = await waiting(
      it,
      `if ${NARROW}; then echo two > a; touch junk; else test ! -e junk; cat a; echo three > a; fi`,
    );
    const ran = await it.broke(["harness", "decide", id, "broad"]);
    expect([ran.code, ran.stdout, it.text("a")]).toEqual([0, "one\n", "three\n"]);
  });

  test("its supervisor killed: nobody's deletion; reconciled, taken over without our own placeholders, and discarded", async () => {
    using it = made(launcher);
    const child = it.start(it.words("echo w > work; rm lib/b; echo up; sleep 60"));
    await readFrom(child.stdout).until("up");
    child.kill("SIGKILL");
    await child.exited;
    const [id] = readdirSync(join(it.home, "runs"));
    const closed = await it.broke(["harness", "reconcile"]);
    expect(closed.stdout).toBe(`${id}: abandoned, its work is kept: broke harness land ${id}\n`);
    // What would run by itself in it was not looked for, which is not to say that there is nothing.
    expect(readFileSync(join(it.runFolder(id!), "ledger.jsonl"), "utf8")).toContain(
      '"swept":[],"total":0,"unread":["."]',
    );
    const landed = await it.land(id!);
    expect(landed).toMatchObject({ code: 0, stdout: "lib/b\nwork\n", stderr: "" });
    expect([it.text("a"), readdirSync(it.ws).sort()]).toEqual(["one\n", ["a", "lib", "work"]]);
    expect((await it.broke(["harness", "discard", id!])).code).toBe(0);
    expect(left(it, id!)).toEqual([]);
  });

  test("a contract may say it; a rehearsal makes nothing; what was never begun leaves nothing that stays", async () => {
    using it = made(launcher);
    const runs = () => (existsSync(join(it.home, "runs")) ? readdirSync(join(it.home, "runs")) : []);
    const explained = await it.broke(["sandbox", "explain", "--workspace=overlay"]);
    const dry = await it.broke([
      "harness",
      "run",
      "--client",
      "exec",
      "--workspace=overlay",
      "--dry-run",
      "--",
      "true",
    ]);
    expect([explained.code, dry.code, runs()]).toEqual([0, 0, []]);
    const contract = join(it.base, "c.toml");
    writeFileSync(contract, 'client = "exec"\nworkspace = "overlay"\nargs = ["sh", "-c", "echo two > a"]\n');
    const ran = await it.broke(["harness", "run", "--contract", contract]);
    expect([ran.code, it.text("a"), left(it, runIdOf(ran)).length]).toEqual([0, "one\n", 3]);

    expect((await it.broke(it.words("true", "--limit=nothing"))).code).toBe(2);
    const unused = runs().find((run) => run !== runIdOf(ran))!;
    expect(readdirSync(it.runFolder(unused))).toEqual(["tree"]);
    utimesSync(it.runFolder(unused), 1, 1);
    expect((await it.broke(["harness", "reconcile"])).stdout).toBe(`${unused}: unregistered\n`);
    expect(runs()).toEqual([runIdOf(ran)]);
  });
});

const root = process.getuid!() === 0;

describe.skipIf(!root)("prepared by root (needs it)", () => {
  const refused = ({ code, stderr }: Ran) => [code, stderr];

  test.each(launchers)(
    "a kernel that refuses it: exit 3 with its word and the way out, and nothing is left, by %s",
    async (launcher) => {
      using it = made(launcher);
      const mount = `mkdir -p "$1/u" "$1/w" "$1/m" && mount -t tmpfs t "$1/w" && mkdir "$1/w/u" "$1/w/w" &&
      mount -t overlay overlay -o "lowerdir=$1/u,upperdir=$1/w/u,workdir=$1/w/w" "$1/m" && chmod 777 "$1/m"; shift; exec "$@"`;
      const within = ["unshare", "--mount", "sh", "-c", mount, "sh", it.base];
      const ran = await it.broke(it.words("true"), { within, env: { BROKE_HOME: join(it.base, "m/home") } });
      expect(refused(ran)).toEqual([
        3,
        expect.stringMatching(/^broke: --workspace=overlay is not available: .*\n.*--workspace=copy/),
      ]);
      expect(await it.broke(it.words("true"), { within: ["unshare", "--mount"] })).toMatchObject({ code: 0 });
    },
  );

  test("a file system mounted in the workspace is not to be seen: refused, and nothing is left", async () => {
    using it = made("root");
    const within = [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs t "$1" && shift && exec "$@"',
      "sh",
      it.at("lib"),
    ];
    const ran = await it.broke(it.words("true"), { within });
    expect(refused(ran)).toEqual([4, expect.stringContaining("other file systems are mounted in the workspace")]);
    expect(readdirSync(join(it.home, "runs"))).toEqual([]);
  });

  test("an entry that looks like the kernel's own mark of a deletion is not deleted by the run", async () => {
    using it = made("root");
    Bun.spawnSync(["mknod", it.at("lib/ghost"), "c", "0", "0"]);
    const id = await it.run("test ! -e lib/ghost; echo two > a");
    expect(await it.land(id)).toMatchObject({ code: 0, stdout: "a\n" });
    expect(readdirSync(it.at("lib")).sort()).toEqual(["b", "ghost"]);
  });

  test("somebody else's files, which a plain user's overlay could not change: refused by name", async () => {
    using it = made("a plain user");
    Bun.spawnSync(["chgrp", "0", it.at("a")]);
    const ran = await it.broke(it.words("true"));
    expect(refused(ran)).toEqual([
      4,
      expect.stringContaining("1 entries of the workspace belong to another user or group"),
    ]);
    expect(left(it, readdirSync(join(it.home, "runs"))[0]!)).toEqual([]);
  });

  test("not mounted: nothing is read of it, and nothing is taken over, whatever the environment says", async () => {
    using it = made("root");
    const id = await it.run("echo two > a; rm lib/b");
    const state = openState({ BROKE_HOME: it.home });
    const audit = await openLaunchAudit(state);
    const missing = expect.objectContaining({ kind: "missing", message: expect.stringContaining("not mounted") });
    for (const act of [
      () => landRun({ ...state, home: state.home, runs: state.runs, audit }, id, []),
      () => checkOut(state.home, id, join(it.base, "out"), it.ws),
    ]) {
      let thrown: unknown;
      try {
        act();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toEqual(missing);
    }
    expect([it.text("a"), it.text("lib/b"), existsSync(join(it.base, "out"))]).toEqual(["one\n", "b\n", false]);
    const landed = await it.broke(["harness", "land", id], { env: { BROKE_OVERLAY_VIEW: id } });
    expect(landed).toMatchObject({ code: 0, stdout: "lib/b\na\n" });
    rmSync(join(it.runFolder(id), "upper"), { recursive: true });
    expect((await it.land(id)).code).toBe(3);
  });
});
