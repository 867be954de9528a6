// `--workspace copy` through the launcher: the original is untouched until the operator takes the work over, and only where it is still the same.

import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const bench = () => {
  const made = makeBench();
  const at = (path: string) => join(made.workspace, path);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  const words = (script: string, ...options: string[]) => [
    "harness",
    "run",
    "--client",
    "exec",
    "--workspace=copy",
    ...options,
    "--",
    "bash",
    "-ec",
    script,
  ];
  const run = (script: string, ...options: string[]) => made.broke(words(script, ...options));
  const land = (id: string, ...options: string[]) => made.broke(["harness", "land", id, ...options]);
  return { ...made, at, put, words, run, land };
};

test("the run works at the same path on a copy; landing brings every kind of change over, but no protected name", async () => {
  using it = bench();
  for (const name of ["kept", "changed", "gone", "d/gone", "file-to-dir", "dir-to-file/x", "quoted 'n'"])
    it.put(name, "old\n");
  symlinkSync("kept", it.at("link"));
  it.put("tool", "#!/bin/sh\n");
  chmodSync(it.at("tool"), 0o755);
  const before = Bun.spawnSync(["tar", "-cf", "-", "-C", it.workspace, "--sort=name", "."]).stdout;
  const script = `pwd; test -x tool; readlink link
    echo new > changed; rm gone; rm -r d; rm file-to-dir; mkdir -p file-to-dir/sub; echo x > file-to-dir/sub/f
    rm -r dir-to-file; echo f > dir-to-file; ln -sfn changed link; echo m > made; chmod 755 made; mkdir empty
    echo $'\\xff' > $'b\\xff'; mkdir -p a/.git; echo x > a/.git/config; cp /bin/true prog; chmod 750 kept`;
  const ran = await it.run(script, "--allow-protected=.npmrc");
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: `${it.workspace}\nkept\n` });
  const id = runIdOf(ran);
  expect(ran.stderr).toContain(`\`broke harness land ${id}\` takes it over`);
  expect(Bun.spawnSync(["tar", "-cf", "-", "-C", it.workspace, "--sort=name", "."]).stdout.equals(before)).toBe(true);

  const landed = await it.land(id);
  expect({ code: landed.code, stderr: landed.stderr }).toEqual({ code: 0, stderr: "" });
  expect(readdirSync(it.workspace).sort()).toEqual(
    [
      "a",
      "b\ufffd",
      "changed",
      "dir-to-file",
      "empty",
      "file-to-dir",
      "kept",
      "link",
      "made",
      "prog",
      "quoted 'n'",
      "tool",
    ].sort(),
  );
  expect(readFileSync(it.at("changed"), "utf8")).toBe("new\n");
  expect(readFileSync(it.at("file-to-dir/sub/f"), "utf8")).toBe("x\n");
  expect(readFileSync(it.at("dir-to-file"), "utf8")).toBe("f\n");
  expect(readlinkSync(it.at("link"))).toBe("changed");
  expect(["made", "kept"].map((name) => statSync(it.at(name)).mode & 0o777)).toEqual([0o755, 0o750]);
  const again = await it.land(id);
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: "" });
});

test("what was changed meanwhile where the run changed it refuses all of it, and names it", async () => {
  using it = bench();
  it.put("a", "old\n");
  it.put("b", "old\n");
  const id = runIdOf(await it.run("echo new > a; echo new > b; echo new > c"));
  it.put("b", "mine\n");
  const refused = await it.land(id);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toStartWith('broke: 1 of the changed files were changed in the workspace too: "b"\n');
  expect([readFileSync(it.at("a"), "utf8"), existsSync(it.at("c"))]).toEqual(["old\n", false]);
});

const modesOf = (at: (path: string) => string, names: string[]) =>
  names.map((name) => (statSync(at(name)).mode & 0o777).toString(8));

test("what others may do in a folder is as the run left it, and not taken over from what was changed meanwhile", async () => {
  using it = bench();
  for (const name of ["closed", "opened", "left", "mine"]) it.put(`${name}/f`, "old\n");
  chmodSync(it.at("left"), 0o750);
  const script =
    "mkdir -m 700 made; echo x > made/f; mkdir -m 770 shared; chmod 700 closed; chmod 775 opened; echo n > left/f";
  const id = runIdOf(await it.run(script));
  chmodSync(it.at("mine"), 0o711);
  const landed = await it.land(id);
  expect(landed.stdout.trim().split("\n").sort()).toEqual(["closed", "left/f", "made", "made/f", "opened", "shared"]);
  const names = ["closed", "opened", "left", "mine", "made", "shared"];
  expect(modesOf(it.at, names)).toEqual(["700", "775", "750", "711", "700", "770"]);
  expect(await it.land(id)).toMatchObject({ code: 0, stdout: "" });

  const other = runIdOf(await it.run("chmod 755 closed; echo x > more"));
  chmodSync(it.at("closed"), 0o710);
  expect((await it.land(other)).stderr).toContain('changed in the workspace too: "closed"\n');
  expect(existsSync(it.at("more"))).toBe(false);
});

test("a folder's group for what is made in it, and that each takes away only his own, stay as the workspace has them", async () => {
  using it = bench();
  for (const name of ["shared", "common"]) it.put(`${name}/f`, "old\n");
  chmodSync(it.at("shared"), 0o2775);
  chmodSync(it.at("common"), 0o1777);
  const id = runIdOf(await it.run("mkdir shared/new own; chmod o-rx shared; chmod 700 common"));
  expect((await it.land(id)).code).toBe(0);
  const modes = ["shared", "shared/new", "common", "own"].map((name) =>
    (statSync(it.at(name)).mode & 0o7777).toString(8),
  );
  expect(modes).toEqual(["2770", "2755", "1700", "755"]);
  expect(await it.land(id)).toMatchObject({ code: 0, stdout: "" });
});

test("what could not be done to its end is not begun", async () => {
  using it = bench();
  for (const name of ["d/gone", "other"]) it.put(name, "old\n");
  const id = runIdOf(await it.run("rm -r d; echo f > d; rm other"));
  it.put("d/mine", "mine\n");
  const refused = await it.land(id);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain('still holds "d/mine", so nothing was taken over\n');
  expect(["d/gone", "d/mine", "other"].map((name) => existsSync(it.at(name)))).toEqual([true, true, true]);
  rmSync(it.at("d/mine"));
  expect((await it.land(id)).code).toBe(0);
  expect([readFileSync(it.at("d"), "utf8"), existsSync(it.at("other"))]).toEqual(["f\n", false]);
});

test("protected names are taken over only by name; a plain new repository comes whole; landing again brings what is left", async () => {
  using it = bench();
  const id = runIdOf(await it.run("mkdir -p x; echo s > x/.env; echo ok > ok; git init -q n"));
  const landed = await it.land(id);
  expect({ code: landed.code, stderr: landed.stderr.includes("not taken over, protected: x/.env\n") }).toEqual({
    code: 1,
    stderr: true,
  });
  expect([existsSync(it.at("ok")), existsSync(it.at("x/.env")), existsSync(it.at("n/.git/config"))]).toEqual([
    true,
    false,
    true,
  ]);
  expect((await it.land(id, "--allow-protected=x/.env")).stdout).toBe("x/.env\n");
  expect(readFileSync(it.at("x/.env"), "utf8")).toBe("s\n");
  const audit = readFileSync(join(it.home, "audit.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const landings = audit
    .filter(({ event }) => event === "work.landed")
    .map(({ data }) => [data.landed > 0, data.held, data.opened]);
  expect(landings).toEqual([
    [true, 1, []],
    [true, 0, ["x/.env"]],
  ]);
  expect((await it.broke(["audit", "verify"])).code).toBe(0);
});

test("sockets, pipes and what raises privileges are not copied, a link out is a link still, and nothing it leads to is in the copy", async () => {
  using it = bench();
  it.put("real", "x");
  chmodSync(it.at("real"), 0o4755);
  symlinkSync("/etc", it.at("out"));
  expect(Bun.spawnSync(["mkfifo", it.at("pipe")]).success).toBe(true);
  const server = createServer();
  await new Promise<void>((done) => server.listen(it.at("sock"), done));
  try {
    const ran = await it.run("ls; stat -c %a real; readlink out");
    expect(ran.stdout.split("\n").filter((line) => !/^(Jenkinsfile|broke.toml|.*\.yml)$/.test(line))).toEqual([
      "out",
      "real",
      "755",
      "/etc",
      "",
    ]);
  } finally {
    server.close();
  }
});

test("a writer works beside a copy, and landing waits for it", async () => {
  using it = bench();
  const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo up; read x"], {
    ...{ cwd: it.workspace, env: it.env, stdio: ["pipe", "pipe", "ignore"] },
  });
  await readFrom(child.stdout).until("up");
  const ran = await it.run("echo c > made");
  expect(ran.code).toBe(0);
  expect((await it.land(runIdOf(ran))).code).toBe(4);
  child.stdin.end();
  await child.exited;
  expect((await it.land(runIdOf(ran))).code).toBe(0);
  expect(readdirSync(it.workspace)).toEqual(["made"]);
});

test("what cannot be landed says so: a direct run, a tree that is gone, no run", async () => {
  using it = bench();
  const direct = runIdOf(await it.broke(["harness", "run", "--client", "exec", "--", "true"]));
  const copied = runIdOf(await it.run("true"));
  rmSync(join(it.home, "runs", copied, "tree"), { recursive: true });
  expect([(await it.land(direct)).code, (await it.land(copied)).code, (await it.land("run_1_00000000")).code]).toEqual([
    2, 3, 2,
  ]);
});

test("what is recorded of the original is believed whole or not at all", async () => {
  using it = bench();
  it.put("f", "old\n");
  const id = runIdOf(await it.run("echo new > f"));
  const file = join(it.home, "runs", id, "origin.json");
  writeFileSync(file, readFileSync(file, "utf8").slice(0, -3));
  expect(await it.land(id)).toMatchObject({ code: 3, stderr: expect.stringContaining("origin.json is damaged\n") });
  expect(readFileSync(it.at("f"), "utf8")).toBe("old\n");
});

test("killed while it copies: what was begun is gone after reconciling; killed while the client works: kept, and landed", async () => {
  using it = bench();
  for (let index = 0; index < 3000; index++) it.put(`many/${index}`, "x");
  const start = (script: string) =>
    Bun.spawn([LAUNCHER, ...it.words(script)], { cwd: it.workspace, env: it.env, stdio: ["ignore", "pipe", "ignore"] });
  const early = start("true");
  const runs = join(it.home, "runs");
  const tree = () =>
    (existsSync(runs) ? readdirSync(runs).map((id) => join(runs, id, "tree/many")) : []).find(existsSync);
  while (tree() === undefined) await Bun.sleep(0);
  early.kill("SIGKILL");
  await early.exited;
  const [first] = readdirSync(runs);
  expect(existsSync(join(runs, first!, "origin.json"))).toBe(false);
  expect((await it.broke(["harness", "reconcile"])).stdout).toContain("abandoned");
  expect(existsSync(join(runs, first!, "tree"))).toBe(false);

  const late = start("echo w > work; git init -q h; echo x > h/.git/hooks/pre-push; echo up; sleep 60");
  await readFrom(late.stdout).until("up");
  late.kill("SIGKILL");
  await late.exited;
  const id = readdirSync(runs).find((name) => name !== first)!;
  await it.broke(["harness", "reconcile"]);
  const kept = join(runs, id, "tree");
  expect([
    existsSync(join(kept, "work")),
    existsSync(join(kept, ".mcp.json")),
    existsSync(join(kept, "h/.git/hooks/pre-push")),
  ]).toEqual([true, false, false]);
  expect((await it.land(id)).stdout).toContain("work\n");
  expect(lstatSync(it.at("work")).isFile()).toBe(true);
  expect(readdirSync(it.workspace).sort()).toEqual(["h", "many", "work"]);
});

test("normal, which holds nothing; an unknown word", async () => {
  using it = bench();
  const mode = (...options: string[]) => it.broke(["harness", "run", "--client", "exec", ...options, "--", "true"]);
  expect((await mode("--workspace=copy", "--sandbox=normal")).code).toBe(2);
  expect((await mode("--workspace=cpoy")).code).toBe(2);
});
