// What a client may leave behind to blind or to break the supervisor: names that are not text, folders that are closed, paths beyond the
// kernel's longest. Through real runs, as root and, where we are root, as a plain user too.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pruneClientHome } from "#harness/client-home.ts";
import { compareInventories, takeInventory } from "#harness/inventory.ts";
import { LAUNCHER } from "#test/support/broke.ts";

const UID = 54_322;
const asUser = process.getuid!() === 0 ? ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"] : [];
let dir = "";
let workspace = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "broke-odd-"));
  workspace = join(dir, "ws");
  mkdirSync(workspace);
  if (asUser.length > 0) for (const path of [dir, workspace]) chownSync(path, UID, UID);
});
afterEach(() => {
  Bun.spawnSync(["rm", "-rf", dir]);
  rmSync(dir, { recursive: true, force: true });
});

async function broke(...words: string[]) {
  const child = Bun.spawn([...asUser, LAUNCHER, ...words], {
    cwd: workspace,
    env: { PATH: "/usr/bin:/bin", HOME: dir, BROKE_HOME: join(dir, "home") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

async function run(script: string) {
  const ran = await broke("harness", "run", "--client", "exec", "--", "bash", "-c", script);
  const id = /run (run_\d+_[0-9a-f]{8}) /.exec(ran.stderr)?.[1] ?? "";
  const shown = JSON.parse((await broke("harness", "show", id, "--json")).stdout);
  return { code: ran.code, stderr: ran.stderr, id, shown };
}

describe("in the workspace", () => {
  test("names that are not UTF-8 are seen, with all that is below them", async () => {
    const { code, shown } = await run("mkdir $'d\\377' && echo evil > $'d\\377/f' && echo x > $'\\376'");
    expect({
      code,
      inventory: shown.inventory.changes
        .map(({ path, change }: { path: string; change: string }) => [change, path])
        .sort(),
    }).toEqual({
      code: 0,
      inventory: [
        ["created", "\\xfe"],
        ["created", "d\\xff"],
        ["created", "d\\xff/f"],
      ],
    });
    expect((await run("true")).code).toBe(0);
  });

  test("a repository below such a name cannot be protected: the next run is refused, and says why", async () => {
    await run("mkdir -p $'d\\377/.git/hooks'");
    const ran = await broke("harness", "run", "--client", "exec", "--", "true");
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({
      code: 4,
      stderr:
        'broke: "d\\\\xff/.git" must be protected, and its path is not UTF-8\nbroke: rename the folders above it\n',
    });
  });

  test("a closed folder makes the inventory incomplete, not the run a failure", async () => {
    const { code, shown } = await run("mkdir -p x/y && echo z > x/y/f && chmod 000 x; exit 0");
    expect({ code, complete: shown.inventory.complete, verdict: shown.verdict.verdict }).toEqual({
      code: 0,
      complete: false,
      verdict: "ACCEPT_WITH_WARNINGS",
    });
    const next = await broke("harness", "run", "--client", "exec", "--", "true");
    expect({ code: next.code, stderr: next.stderr.split("\n")[0] }).toEqual({
      code: 4,
      stderr: 'broke: the folder "x" of the workspace cannot be read, so nothing in it could be protected',
    });
  });

  test("a tree deeper than the kernel's longest path", async () => {
    const { code, shown } = await run(
      "n=$(printf 'd%.0s' {1..200}); for i in {1..30}; do mkdir $n && cd $n; done; echo x > f",
    );
    expect({ code, complete: shown.inventory.complete }).toEqual({ code: 0, complete: false });
  });
});

describe("put back by restore", () => {
  const commit = () => {
    const made = "echo a > a; mkdir k; echo 1 > k/f; mkdir -m 555 ro; chown -R $UID .";
    Bun.spawnSync(["sh", "-c", made.replace("$UID", String(asUser.length > 0 ? UID : process.getuid!()))], {
      cwd: workspace,
    });
  };
  const restored = async (script: string) => {
    commit();
    const held = ["--workspace=direct", "--policy=throughput", "--forbidden-paths=a"];
    const ran = await broke("harness", "run", "--client=exec", ...held, "--", "sh", "-c", `echo b > a; ${script}`);
    const id = /run (run_\d+_[0-9a-f]{8}) /.exec(ran.stderr)?.[1] ?? "";
    const { code, stdout } = await broke("harness", "restore", id, "--json");
    const listed = Bun.spawnSync(["find", ".", "-printf", "%P %m\\n"], { cwd: workspace }).stdout.toString();
    return { code, done: JSON.parse(stdout), tree: listed.trim().split("\n").sort().slice(1) };
  };
  const WAS = ["a 644", "k 755", "k/f 644", "ro 555"];

  test("what is in a folder that the worker closed, whose it ever was", async () => {
    expect(await restored("echo 2 > k/f; echo 3 > k/g; chmod 000 k")).toEqual({
      code: 0,
      done: { restored: ["a", "k", "k/f"], removed: ["k/g"], left: [] },
      tree: WAS,
    });
    rmSync(join(workspace, "ro"), { recursive: true });
    rmSync(join(workspace, "k"), { recursive: true });
    expect(await restored("mkdir -p n/m; echo 1 > n/m/x; chmod 400 n/m; chmod 000 n")).toEqual({
      code: 0,
      done: { restored: ["a"], removed: ["n/m/x", "n/m", "n"], left: [] },
      tree: WAS,
    });
  });

  test("what is in a folder that was read-only before, and is again", async () => {
    expect(await restored("chmod u+w ro; echo 1 > ro/x; chmod u-w ro")).toEqual({
      code: 0,
      done: { restored: ["a"], removed: ["ro/x"], left: [] },
      tree: WAS,
    });
  });

  test("what cannot be reached is named, and a folder that stays has the mode the worker gave it", async () => {
    const deep = "cd n; d=$(printf 'd%.0s' $(seq 200)); for i in $(seq 30); do mkdir $d && cd $d; done";
    const { code, done, tree } = await restored(`mkdir n; (${deep}); chmod 100 n`);
    expect([code, done.restored, done.left.includes("n"), tree.find((line) => line.startsWith("n "))]).toEqual([
      ...[1, ["a"], true, "n 100"],
    ]);
  });
});

describe("in the run's home", () => {
  test("closed folders, odd names and deep trees are taken away, and the run is what it was", async () => {
    const { code, id, shown } = await run(
      "cd; mkdir -p x/y; echo z > x/y/f; chmod 000 x; mkdir $'d\\377'; echo y > $'d\\377/f'; ln -s / link; n=$(printf 'd%.0s' {1..200}); for i in {1..30}; do mkdir $n && cd $n; done",
    );
    expect({ code, status: shown.status }).toEqual({ code: 0, status: "completed" });
    const left = readdirSync(join(dir, "home", "runs", id, "home"));
    expect(left.filter((name) => !/^d{200}$/.test(name))).toEqual([]);
  });
});

test("work in a folder that the workspace has read-only is taken over, and the folder stays so", async () => {
  const make = "echo a > a; mkdir ro; echo r > ro/r; echo g > ro/gone; chmod 555 ro";
  Bun.spawnSync([...asUser, "sh", "-c", make], { cwd: workspace });
  const script = "chmod u+w ro; echo x > ro/r; rm ro/gone; mkdir ro/new; echo z > a";
  const ran = await broke("harness", "run", "--client=exec", "--workspace=copy", "--", "sh", "-ec", script);
  const id = /run (run_\d+_[0-9a-f]{8}) /.exec(ran.stderr)?.[1] ?? "";
  const landed = await broke("harness", "land", id);
  expect([landed.code, landed.stdout.trim().split("\n").sort()]).toEqual([0, ["a", "ro/gone", "ro/new", "ro/r"]]);
  expect([statSync(join(workspace, "ro")).mode & 0o777, readdirSync(join(workspace, "ro")).sort()]).toEqual([
    ...[0o555, ["new", "r"]],
  ]);
});

test("a file that is unreadable, or gone between two looks, is no error", () => {
  const before = takeInventory(workspace);
  Bun.spawnSync(["sh", "-c", "echo x > a; ln -s nowhere l; mkfifo p"], { cwd: workspace });
  const after = takeInventory(workspace);
  Bun.spawnSync(["sh", "-c", "rm a l p"], { cwd: workspace });
  const { changes } = compareInventories(workspace, before, after);
  expect(changes.map(({ path, sha256, target }) => [path, sha256, target])).toEqual([
    ["a", null, null],
    ["l", null, null],
    ["p", null, null],
  ]);
  pruneClientHome(join(dir, "not-there"), []);
});
