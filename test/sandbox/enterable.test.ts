// Where a sandbox that root launches can be built: what is behind a folder of somebody else's that is closed to others is refused beforehand.

import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isEnterable } from "#sandbox/enterable.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";

test("root passes its own folders, and of those of others what their modes let pass", () => {
  const cases: [uid: number, gid: number, mode: number, passes: boolean][] = [
    [0, 0, 0o000, true],
    [0, 1234, 0o700, true],
    [0, 1234, 0o070, false],
    [1234, 1234, 0o700, false],
    [1234, 1234, 0o770, false],
    [1234, 1234, 0o711, true],
    [1234, 0, 0o750, true],
    [1234, 0, 0o701, false],
    [1234, 7, 0o710, true],
  ];
  for (const [uid, gid, mode, passes] of cases)
    expect({ uid, gid, mode, passes: isEnterable({ uid, gid, mode }, [0, 7]) }).toEqual({ uid, gid, mode, passes });
});

describe.skipIf(process.getuid!() !== 0)("through the launcher (needs root to be kept out)", () => {
  const UID = 54_321;
  const closed = (folder: string, file: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "A\n");
    chownSync(folder, UID, UID);
    chmodSync(folder, 0o700);
  };
  const refused: [string, file: string, where: string, options: string[]][] = [
    ["a masked name", ".env", "u", []],
    ["a protected name", ".mcp.json", "u", []],
    ["a repository", "config", ".git", []],
    ["what is denied", "f", "u", ["--deny-read=u/f"]],
    ["a masked name in an allowed folder", ".env", "../beside/u", ["--allow-read=../beside"]],
    ["a protected name in one allowed for writing", ".mcp.json", "../beside/u", ["--allow-write=../beside"]],
  ];
  test.each(refused)("%s: refused, and the folder named", async (_, file, where, options) => {
    using bench = makeBench();
    const folder = join(bench.workspace, where);
    closed(folder, file);
    const ran = await bench.broke(["harness", "run", "--client", "exec", ...options, "--", "true"]);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({
      code: 4,
      stderr: `broke: ${JSON.stringify(folder)} belongs to uid ${UID} and is closed to others, so nothing in it can be shown or held\nbroke: launch as its owner, let others pass it (chmod o+x), or make it root's\n`,
    });
    expect(readFileSync(join(folder, file), "utf8")).toBe("A\n");
  });

  test.each([["git worktree"], ["a clone that borrows its objects"]])(
    "%s of a repository in it: the same",
    async (what) => {
      using bench = makeBench();
      const base = bench.env["HOME"]!;
      const git = (...words: string[]) =>
        Bun.spawnSync(["git", "-c", "user.name=x", "-c", "user.email=x@x", ...words], { cwd: base });
      const [folder, other] = [join(base, "theirs"), join(base, "other")];
      git("init", "-q", "theirs/main");
      git("-C", "theirs/main", "commit", "-q", "--allow-empty", "-m", "a");
      if (what === "git worktree") git("-C", "theirs/main", "worktree", "add", "-q", other);
      else git("clone", "-q", "--shared", "theirs/main", other);
      chownSync(folder, UID, UID);
      chmodSync(folder, 0o700);
      const words = ["harness", "run", "--client", "exec", "--workspace=worktree", "--", "true"];
      const ran = await bench.broke(words, { cwd: other });
      expect([ran.code, ran.stderr.split("\n")[0]]).toEqual([
        4,
        `broke: ${JSON.stringify(folder)} belongs to uid ${UID} and is closed to others, so nothing in it can be shown or held`,
      ]);
    },
  );

  test("where nothing in it is to be held, and where others may pass, the run goes on", async () => {
    using bench = makeBench();
    closed(join(bench.workspace, "u"), "f");
    closed(join(bench.workspace, "v"), ".env");
    chmodSync(join(bench.workspace, "v"), 0o711);
    const ran = await bench.broke(["harness", "run", "--client", "exec", "--", "cat", "v/.env"]);
    expect({ code: ran.code, run: runIdOf(ran) !== "" }).toEqual({ code: 1, run: true });
    expect(ran.stderr).toContain("ermission denied");
  });
});
