// A worker that closes folders to their owner, as a plain user to whom modes are walls: what it left in them is swept all the same, and what was put
// into the workspace for the run is gone after it.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runIdOf } from "#test/support/broke.ts";
import { overlayBench } from "#test/support/overlay.ts";
import { launchers } from "#test/support/tree.ts";

const launcher = launchers.at(-1)!;
const HOOK = "git init -q sub; echo x > sub/.git/hooks/post-checkout";

const open = (path: string) => (chmodSync(path, 0o755), path);
const benches: Disposable[] = [];
afterAll(() => benches.forEach((bench) => bench[Symbol.dispose]()));

const bench = () => {
  const it = overlayBench(launcher);
  benches.push(it);
  mkdirSync(join(it.base, "beside"));
  it.own();
  const run = (script: string, ...options: string[]) =>
    it.broke(["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script]);
  return { ...it, run };
};

describe(`as ${launcher}`, () => {
  for (const closing of [
    ...[
      "chmod 000 .github",
      "chmod 500 .github .forgejo",
      "chmod 000 .claude",
      "chmod 500 .",
      "chmod 000 .",
      "chmod 400 .",
    ],
    ...["chmod 400 sub/.git sub .", "chmod 100 sub/.git/hooks sub .", "chmod 500 sub/.git/hooks"],
  ]) {
    test(`${closing}: the hook is swept, and no placeholder stays`, async () => {
      const it = bench();
      const ran = await it.run(`${HOOK}; ${closing}`);
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining('git hook "sub/.git/hooks/post-checkout" quarantined'),
      });
      expect(ran.stderr).toContain(" ACCEPT_WITH_WARNINGS exit 0");
      open(it.ws);
      for (const path of ["sub", "sub/.git", "sub/.git/hooks"]) open(it.at(path));
      expect(readdirSync(it.ws)).toEqual(["sub"]);
      expect(existsSync(it.at("sub/.git/hooks/post-checkout"))).toBe(false);
      expect(existsSync(join(it.runFolder(runIdOf(ran)), "placeholders.json"))).toBe(false);
    });
  }

  test("a repository's own folder", async () => {
    const it = bench();
    Bun.spawnSync(["git", "init", "-q", it.ws]);
    it.own();
    const ran = await it.run(`${HOOK}; chmod 500 .git`);
    expect(ran.stderr).toContain('git hook "sub/.git/hooks/post-checkout" quarantined');
    expect(readdirSync(it.ws).sort()).toEqual([".git", "sub"]);
    expect([existsSync(it.at(".git/config.worktree")), lstatSync(it.at(".git")).mode & 0o777]).toEqual([false, 0o500]);
  });

  for (const mode of ["000", "400", "500"]) {
    test(`a folder that was allowed for writing, ${mode}`, async () => {
      const it = bench();
      const ran = await it.run(`cd ../beside; ${HOOK}; chmod ${mode} ../beside`, "--allow-write=../beside");
      const beside = open(join(it.base, "beside"));
      expect(ran.stderr).toContain(`git hook "${beside}/sub/.git/hooks/post-checkout" quarantined`);
      expect(existsSync(join(beside, "sub/.git/hooks/post-checkout"))).toBe(false);
    });
  }
});

test.skipIf(process.getuid!() !== 0)(
  "what cannot be taken away is said, kept on the list, and cleared at `reconcile` (needs root to be in the way)",
  async () => {
    const it = bench();
    mkdirSync(it.at(".claude"));
    it.own();
    const words = [
      ...["harness", "run", "--client", "exec", "--", "sh", "-c"],
      "echo > ready; while [ ! -e go ]; do sleep .05; done",
    ];
    const child = it.start(words);
    while (!existsSync(it.at("ready"))) await Bun.sleep(20);
    chmodSync(it.at(".claude"), 0o700);
    chownSync(it.at(".claude"), 1, 1);
    writeFileSync(it.at("go"), "");
    const stderr = await new Response(child.stderr).text();
    const id = runIdOf({ code: await child.exited, stdout: "", stderr });
    expect(stderr).toContain("placeholders could not be taken away (broke harness reconcile)");
    const journal = join(it.runFolder(id), "placeholders.json");
    expect(existsSync(journal)).toBe(true);
    const stuck = await it.broke(["harness", "reconcile"]);
    expect({ code: stuck.code, stdout: stuck.stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        new RegExp(`^${id}: damaged, \\d+ placeholders cannot be taken away from "${it.ws}"\\n$`),
      ),
    });
    const made = JSON.parse(readFileSync(journal, "utf8")).made.length;
    it.own();
    expect((await it.broke(["harness", "reconcile"])).stdout).toBe(`${id}: cleared\n`);
    expect({ made: made > 10, left: readdirSync(it.ws).sort(), claude: readdirSync(it.at(".claude")) }).toEqual({
      made: true,
      left: [".claude", "go", "ready"],
      claude: [],
    });
    expect((await it.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
  },
);
