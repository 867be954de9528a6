// `--workspace overlay` through the launcher: nothing is copied, the workspace stays as it is until the work is taken over, and nobody else sees the tree.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runIdOf } from "#test/support/broke.ts";
import { overlayBench } from "#test/support/overlay.ts";
import { readFrom } from "#test/support/reading.ts";
import { launchers } from "#test/support/tree.ts";

/** What a layer holds beside folders. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe.each(launchers)("by %s", (launcher) => {
  test("what others may do in a folder is as the run left it", async () => {
    using it = overlayBench(launcher);
    for (const name of ["closed/f", "written/f"]) it.put(name, "old\n");
    it.own();
    const id = await it.run("mkdir -m 700 made; chmod 700 closed; echo n > written/f");
    const landed = await it.land(id);
    expect({ code: landed.code, stdout: landed.stdout.trim().split("\n").sort() }).toEqual({
      ...{ code: 0, stdout: ["closed", "made", "written/f"] },
    });
    expect(["closed", "made"].map((name) => statSync(join(it.ws, name)).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  test("every kind of change is made beside the workspace, looked at, taken over, and thrown away", async () => {
    using it = overlayBench(launcher);
    for (const name of ["kept", "changed", "gone", "d/gone", "file-to-dir", "dir-to-file/x", "old/in/x", "tool"])
      it.put(name, "old\n");
    symlinkSync("kept", it.at("link"));
    it.own();
    const before = it.packed();
    const id = await it.run(`pwd; readlink link; echo new > changed; rm gone; rm -r d; rm file-to-dir
      mkdir -p file-to-dir/sub; echo x > file-to-dir/sub/f; rm -r dir-to-file; echo f > dir-to-file; ln -sfn changed link
      echo m > made; chmod 755 made; mkdir empty; mv old renamed; chmod 755 tool; echo $'\\xff' > $'b\\xff'`);
    expect(it.packed()).toBe(before);

    expect((await it.broke(["harness", "checkout", id])).code).toBe(3);
    const seen = await it.broke(["harness", "checkout", id, "--out", join(it.base, "out")]);
    expect({ code: seen.code, changed: readFileSync(join(it.base, "out/changed"), "utf8") }).toEqual({
      code: 0,
      changed: "new\n",
    });
    expect(it.packed()).toBe(before);

    const landed = await it.land(id);
    expect({ code: landed.code, stderr: landed.stderr }).toEqual({ code: 0, stderr: "" });
    expect(landed.stdout.trim().split("\n").sort()).toEqual(
      [
        ...[
          "b\\xff",
          "changed",
          "d",
          "d/gone",
          "dir-to-file",
          "dir-to-file/x",
          "empty",
          "file-to-dir",
          "file-to-dir/sub",
        ],
        ...["file-to-dir/sub/f", "gone", "link", "made", "old", "old/in", "old/in/x", "renamed", "renamed/in"],
        ...["renamed/in/x", "tool"],
      ].sort(),
    );
    expect(readdirSync(it.ws).sort()).toEqual(
      [
        ...["b\ufffd", "changed", "dir-to-file", "empty", "file-to-dir", "kept", "link", "made", "renamed", "tool"],
      ].sort(),
    );
    expect({
      changed: it.text("changed"),
      inside: it.text("file-to-dir/sub/f"),
      renamed: it.text("renamed/in/x"),
      link: readlinkSync(it.at("link")),
      modes: [statSync(it.at("made")).mode & 0o777, statSync(it.at("tool")).mode & 0o777],
    }).toEqual({ changed: "new\n", inside: "x\n", renamed: "old\n", link: "changed", modes: [0o755, 0o755] });

    expect((await it.broke(["harness", "discard", id])).code).toBe(0);
    expect(["tree", "upper", "work", "origin.json"].filter((name) => existsSync(join(it.runFolder(id), name)))).toEqual(
      [],
    );
    expect((await it.land(id)).code).toBe(3);
    expect((await it.broke(["harness", "verify", id])).code).toBe(0);
  });

  test("a folder that the run made anew hides what was in it, and that is a deletion", async () => {
    using it = overlayBench(launcher);
    for (const name of ["d/f", "d/deep/f", "e/x"]) it.put(name, "old\n");
    it.own();
    const id = await it.run("rm -r d e; mkdir d; echo n > d/n; echo file > e");
    expect((await it.land(id)).code).toBe(0);
    expect([readdirSync(it.at("d")), it.text("e")]).toEqual([["n"], "file\n"]);
    expect(await it.land(id)).toMatchObject({ code: 0, stderr: "" });
  });

  test("a large workspace is begun without a copy of anything in it", async () => {
    using it = overlayBench(launcher);
    for (let folder = 0; folder < 100; folder++) {
      mkdirSync(it.at(`d${folder}`));
      writeFileSync(it.at(`d${folder}/0`), "x");
      // Names of one file: making as many files takes the disk longer than everything else here.
      for (let file = 1; file < 200; file++) linkSync(it.at(`d${folder}/0`), it.at(`d${folder}/${file}`));
    }
    it.own();
    const id = await it.run("test $(find . -type f -path './d*' | wc -l) = 20000; rm d7/7");
    expect(filesIn(join(it.runFolder(id), "upper"))).toEqual(["d7/7"]);
    const closed = readdirSync(join(it.runFolder(id), "work"), { recursive: true, encoding: "utf8" })
      .map((name) => statSync(join(it.runFolder(id), "work", name)))
      .filter((stat) => stat.isDirectory() && (stat.mode & 0o777) !== 0o700);
    expect(closed).toEqual([]);
    expect((await it.land(id)).stdout).toBe("d7/7\n");
    expect([existsSync(it.at("d7/7")), readdirSync(it.at("d7")).length]).toEqual([false, 199]);
  });

  test("protected names are held, by what is missing and by what is there, and a secret is masked", async () => {
    using it = overlayBench(launcher);
    it.put(".env", "KEY=1\n");
    it.put(".vscode/tasks.json", "{}\n");
    it.own();
    const id = await it.run(
      "cat .env 2>/dev/null && exit 9; echo x > .npmrc && exit 8; echo x > .vscode/tasks.json && exit 7; mkdir x; echo s > x/.env; echo ok > ok",
    );
    const landed = await it.land(id);
    expect({ code: landed.code, stdout: landed.stdout, stderr: landed.stderr }).toEqual({
      code: 1,
      stdout: "x\nok\n",
      stderr: "broke: not taken over, protected: x/.env\n",
    });
    expect([it.text(".env"), it.text(".vscode/tasks.json"), existsSync(it.at("x/.env"))]).toEqual([
      "KEY=1\n",
      "{}\n",
      false,
    ]);
  });

  test("no name is more than a name: in the workspace's path, in its files, in the home's", async () => {
    const odd = "a,upperdir=x:b\\c $(touch q) 'd'\n\te";
    using it = overlayBench(launcher, odd);
    it.put("f,g:h\\i j\n'k'", "old\n");
    const home = join(it.base, "h,o:m\\e \n$x");
    mkdirSync(home);
    chmodSync(home, 0o700);
    it.own();
    const options = { env: { BROKE_HOME: home } };
    const ran = await it.broke(it.words("pwd; echo new > f*; echo m > 'lowerdir=,x'"), options);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: `${it.ws}\n` });
    expect(it.text("f,g:h\\i j\n'k'")).toBe("old\n");
    expect((await it.broke(["harness", "land", runIdOf(ran)], options)).code).toBe(0);
    expect([it.text("f,g:h\\i j\n'k'"), it.text("lowerdir=,x"), readdirSync(it.ws).length]).toEqual([
      "new\n",
      "m\n",
      2,
    ]);
  });

  test("what was changed meanwhile where the run changed it refuses all of it; what it did not touch is not its work", async () => {
    using it = overlayBench(launcher);
    for (const name of ["a", "b", "mine", "lost"]) it.put(name, "old\n");
    symlinkSync("a", it.at("link"));
    it.own();
    const id = await it.run("echo new > a; echo new > b; cat mine");
    it.put("b", "mine\n");
    const refused = await it.land(id);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 4, stdout: "" });
    expect(refused.stderr).toStartWith('broke: 1 of the changed files were changed in the workspace too: "b"\n');
    expect([it.text("a"), it.text("b")]).toEqual(["old\n", "mine\n"]);

    const other = await it.run("echo newer > a");
    it.put("mine", "changed by me\n");
    it.put("more/of/mine", "x\n");
    Bun.spawnSync(["rm", it.at("lost")]);
    Bun.spawnSync(["ln", "-sfn", "mine", it.at("link")]);
    expect(await it.land(other)).toMatchObject({ code: 0, stdout: "a\n", stderr: "" });
    expect([it.text("a"), it.text("mine"), it.text("more/of/mine"), existsSync(it.at("lost"))]).toEqual([
      ...["newer\n", "changed by me\n", "x\n", false],
    ] as never);
  });

  test.each([
    ["a large file changed by a byte", "printf x | dd of=big conv=notrunc 2>/dev/null; sleep 2"],
    [
      "a file without a name",
      "exec 5> held; rm held; for i in {1..60}; do head -c 8000000 /dev/zero >&5; sleep 0.1; done",
    ],
  ])("what its layer grows by is held against its limit: %s", async (_, script) => {
    using it = overlayBench(launcher);
    it.put("big", "x".repeat(8 * 1024 ** 2));
    it.own();
    const ran = await it.broke(it.words(script, "--limit", "growth=4m"));
    expect(ran.stderr).toContain("growth 4 MiB");
    expect(ran.code).not.toBe(0);
  });

  test("while it goes on nobody else sees it, and its operator reaches it", async () => {
    using it = overlayBench(launcher);
    it.put("a", "old\n");
    it.own();
    const child = it.start(it.words("echo new > a; echo up; sleep 60"));
    await readFrom(child.stdout).until("up");
    const [id] = readdirSync(join(it.home, "runs"));
    expect([readdirSync(join(it.runFolder(id!), "tree")), it.text("a")]).toEqual([[], "old\n"]);
    expect((await it.land(id!)).code).toBe(3);
    expect((await it.broke(["harness", "kill", id!])).code).toBe(0);
    await child.exited;
    expect((await it.land(id!)).stdout).toBe("a\n");
  });
});
