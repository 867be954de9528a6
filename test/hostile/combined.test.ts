// Options that were made apart, used together: what each of them holds must hold beside every other.

import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";

const git = (bench: Bench, ...args: string[]) => {
  const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
    cwd: bench.workspace,
    env: { PATH: "/usr/bin:/bin", HOME: bench.env["HOME"]! },
  });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return ran.stdout.toString();
};

/** A repository with one commit of these files; scripts where they begin with `#!`. */
function repository(files: Record<string, string>): Bench {
  const bench = makeBench();
  git(bench, "init", "-q", "-b", "main");
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(bench.workspace, name), text);
    if (text.startsWith("#!")) chmodSync(join(bench.workspace, name), 0o755);
  }
  git(bench, "add", ".");
  git(bench, "commit", "-qm", "one");
  return bench;
}

const run = (bench: Bench, options: string[], script: string) =>
  bench.broke(["sandbox", "run", ...options, "--", "sh", "-c", script]);

for (const mode of ["direct", "worktree", "copy"]) {
  test(`--workspace=${mode}: a program of the workspace is denied by what it is there, through its links too`, async () => {
    using bench = repository({ "tool.sh": "#!/bin/sh\necho ran\n" });
    symlinkSync(join(bench.workspace, "tool.sh"), join(bench.workspace, "far"));
    const script = "./tool.sh || echo refused; ./far || echo refused";
    for (const word of ["./tool.sh", "./far", join(bench.workspace, "tool.sh")]) {
      const ran = await run(bench, [`--workspace=${mode}`, `--deny-run=${word}`], script);
      expect({ word, stdout: ran.stdout }).toEqual({ word, stdout: "refused\nrefused\n" });
    }
    const listed = await run(bench, [`--workspace=${mode}`, "--allow-run=./tool.sh"], `${script}; /usr/bin/env true`);
    expect(listed).toMatchObject({ code: 126, stdout: "ran\nran\n" });
    expect(listed.stderr).toContain(`${bench.workspace}/tool.sh may run, and the client can write it`);
  });
}

test("a worktree's commits with a link or a submodule at a protected name are not landed, though they are gone in the end", async () => {
  using bench = repository({ f: "1\n" });
  const commit = "git -c user.email=a@a -c user.name=a commit -qm";
  const ways = [
    "mkdir s docs; echo {} > docs/settings.json; ln -s ../docs s/.claude",
    "mkdir s docs; ln -s docs s/.github",
    `git init -q s/.claude; ${commit.replace("git", "git -C s/.claude")} x --allow-empty`,
  ];
  for (const way of ways) {
    const ran = await run(bench, ["--workspace=worktree"], `${way}; git add -f s; ${commit} w; rm -rf s; echo z > z`);
    expect({ way, code: ran.code, err: ran.stderr }).toEqual({
      ...{ way, code: 0 },
      err: expect.stringMatching(/not landed, because it changes protected names: s\/\.(claude|github)/),
    });
  }
  expect(git(bench, "for-each-ref", "refs/broke")).toBe("");
});

/** What an allowed folder holds before: a person's repository with a hook, a home's start-up file, another BROKE_HOME is not among them. */
function allowedFolder(bench: Bench): string {
  const folder = join(bench.workspace, "..", "out");
  mkdirSync(join(folder, "mine"), { recursive: true });
  Bun.spawnSync(["git", "init", "-q", "mine"], { cwd: folder, env: { PATH: "/usr/bin:/bin" } });
  writeFileSync(join(folder, "mine/.git/hooks/pre-push"), "#!/bin/sh\n");
  return folder;
}

const sweptOf = async (bench: Bench, ran: Ran) => {
  const { swept } = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout).swept as {
    swept: { path: string; kind: string; action: string }[];
  };
  return swept.map(({ path, kind, action }) => `${kind} ${path} ${action}`).sort();
};

for (const mode of ["direct", "worktree"]) {
  test(`--workspace=${mode}: a folder allowed for writing is swept as the workspace is; what was there, and what lives there, stays`, async () => {
    using bench = repository({ f: "1\n" });
    const folder = allowedFolder(bench);
    const script = [
      `cd ${folder}; git init -q sub/new; echo x > sub/new/.git/hooks/pre-commit; mkdir -p deep/.claude`,
      "echo {} > deep/.claude/settings.json; ln -s /tmp lib; ln -s ../elsewhere deep/.vscode; mkfifo pipe; echo a=1 > .envrc",
      "git init -q mine2; git -C mine2 config core.pager 'sh -c x'; echo ordinary > file",
    ].join("; ");
    const ran = await run(bench, [`--workspace=${mode}`, `--allow-write=${folder}`], script);
    const at = (path: string) => join(folder, path);
    expect(await sweptOf(bench, ran)).toEqual(
      [
        `git hook ${at("sub/new/.git/hooks/pre-commit")} quarantined`,
        `client settings ${at("deep/.claude/settings.json")} quarantined`,
        `link at a protected name ${at("deep/.vscode")} quarantined`,
        `pipe ${at("pipe")} left`,
        `protected name ${at(".envrc")} quarantined`,
        `git configuration ${at("mine2/.git/config")} quarantined`,
      ].sort(),
    );
    const left = ["file", "lib", "pipe", "mine/.git/hooks/pre-push", "mine/.git/config", ".envrc", "deep/.vscode"];
    expect(left.filter((name) => lstatSync(at(name), { throwIfNoEntry: false }) === undefined)).toEqual([
      ".envrc",
      "deep/.vscode",
    ]);
    expect(ran.stderr).toContain("ACCEPT_WITH_WARNINGS");
    const events = await bench.broke(["harness", "events", runIdOf(ran), "--json"]);
    const record = events.stdout.split("\n").find((line) => line.includes("allowed.inventory"))!;
    expect(JSON.parse(record).data).toMatchObject({
      folder,
      complete: true,
      changes: expect.arrayContaining([expect.objectContaining({ path: "file", change: "created", size: 9 })]),
    });
  });
}

test("an allowed folder that holds workspace, BROKE_HOME and what is hidden: each keeps its own rules, and nothing of theirs is swept", async () => {
  using bench = repository({ f: "1\n", ".mcp.json": "{}\n" });
  const base = join(bench.workspace, "..");
  mkdirSync(join(base, ".claude"));
  const script = "echo 2 > .mcp.json && echo opened; git init -q n; echo x > n/.git/hooks/pre-push; sleep 0.5";
  const going = run(bench, [`--allow-write=${base}`, "--allow-protected=.mcp.json"], script);
  // The person's own client, meanwhile.
  while (!existsSync(join(bench.workspace, "n/.git/hooks/pre-push"))) await Bun.sleep(5);
  writeFileSync(join(base, ".claude/settings.json"), "{}");
  const ran = await going;
  expect({ stdout: ran.stdout, swept: await sweptOf(bench, ran) }).toEqual({
    stdout: "opened\n",
    swept: ["git hook n/.git/hooks/pre-push quarantined"],
  });
  expect([existsSync(join(base, ".claude/settings.json")), existsSync(join(bench.home, "audit.jsonl"))]).toEqual([
    true,
    true,
  ]);
});

test("long after a run whose supervisor died nothing is taken from an allowed folder, and what it may have left is on record", async () => {
  using bench = repository({ f: "1\n" });
  const folder = allowedFolder(bench);
  const script = `echo x > ${folder}/.envrc; touch ready; sleep 60`;
  const child = Bun.spawn([LAUNCHER, "sandbox", "run", `--allow-write=${folder}`, "--", "sh", "-c", script], {
    ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
  });
  while (!existsSync(join(bench.workspace, "ready"))) await Bun.sleep(5);
  child.kill("SIGKILL");
  await child.exited;
  const [reconciled] = JSON.parse((await bench.broke(["harness", "reconcile", "--json"])).stdout) as {
    runId: string;
  }[];
  const shown = JSON.parse((await bench.broke(["harness", "show", reconciled!.runId, "--json"])).stdout);
  expect({ swept: shown.swept.swept, there: existsSync(join(folder, ".envrc")) }).toEqual({
    swept: [{ path: join(folder, ".envrc"), kind: "protected name", detail: null, action: "left", as: null }],
    there: true,
  });
});

test("a workspace that is another folder by the time it is mounted is refused", async () => {
  using bench = repository({ f: "1\n" });
  const [aside, runs] = [`${bench.workspace}-aside`, join(bench.home, "runs")];
  const child = Bun.spawn([LAUNCHER, "sandbox", "run", "--", "sh", "-c", "ls; echo ran"], {
    ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "pipe"] },
  });
  const baseline = () =>
    (existsSync(runs) ? readdirSync(runs) : []).some((id) => existsSync(join(runs, id, "baseline.json")));
  while (!baseline() && child.exitCode === null) await Bun.sleep(0);
  renameSync(bench.workspace, aside);
  mkdirSync(bench.workspace);
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ code: await child.exited, stdout, stderr }).toEqual({
    ...{ code: 4, stdout: "" },
    stderr: expect.stringContaining(`"${bench.workspace}" is not what it was when it was checked`),
  });
});

test("explain says programs, questions, hosts, opened names, set and workspace mode, in words and as JSON", async () => {
  using bench = repository({ f: "1\n" });
  const flags = [
    ...["--deny-run=wc", "--allow-protected=.npmrc", "--allow-net=a.com", "--deny-net=b.a.com", "--workspace=worktree"],
    ...["--allow-unix", "-P", "mine"],
  ];
  mkdirSync(bench.home, { mode: 0o700 });
  writeFileSync(join(bench.home, "broke.toml"), "[permissions.mine]\ndeny-run = ['git']\n", { mode: 0o600 });
  const told = await bench.broke(["sandbox", "explain", ...flags]);
  expect(told).toMatchObject({ code: 0, stderr: "" });
  for (const line of [
    "permission set: mine",
    `workspace: ${bench.workspace}, as a clone of its own, landed as a ref`,
    "protected names opened: .npmrc",
    "network: egress proxy to a.com, never b.a.com; unix sockets open",
    "programs: those that are shown, never git, wc; PATH ",
  ])
    expect(told.stdout).toContain(line);
  const json = JSON.parse((await bench.broke(["sandbox", "explain", "--json", ...flags])).stdout);
  expect({ set: json.set, mode: json.mode, opened: json.opened, run: json.programs.run }).toEqual({
    ...{ set: "mine", mode: "worktree", opened: [".npmrc"] },
    run: { others: "allow", allow: [], deny: ["git", "wc"], ask: [] },
  });
  expect(json.mounts.find(({ path }: { path: string }) => path === "/usr/bin/wc").kind).toBe("masked");
  const listed = await bench.broke(["sandbox", "explain", "--allow-run=git", "--deny-net"]);
  expect(listed.stdout).toContain("programs: the client's own and no others, with git; PATH ");
});

for (const home of ["run", "user"]) {
  test(`--home ${home}: a rehearsal of any kind leaves nothing, in the person's home neither`, async () => {
    using bench = repository({ f: "1\n", ".env": "A=1\n" });
    const base = join(bench.workspace, "..");
    mkdirSync(join(base, ".claude/todos"), { recursive: true });
    await bench.broke(["sandbox"]);
    const snapshot = () =>
      (readdirSync(base, { recursive: true }) as string[])
        .filter((name) => !/^home\/(broke\.db|run\/)/.test(name))
        .sort();
    const words = ["harness", "run", "--home", home, "--dry-run", "--allow-protected=.npmrc", "--deny-run=wc"];
    expect((await bench.broke(words)).code).toBe(0);
    const before = snapshot();
    for (const mode of ["direct", "worktree", "copy"])
      expect((await bench.broke([...words, `--workspace=${mode}`])).code).toBe(0);
    expect((await bench.broke(["sandbox", "explain", "--client", "claude"])).code).toBe(0);
    expect(snapshot()).toEqual(before);
    expect(readdirSync(join(base, ".claude"))).toEqual(["todos"]);
  });
}

test("a project's set opens AF_UNIX only where the operator's does too", async () => {
  using bench = repository({ "broke.toml": "[permissions.p]\nallow-unix = true\n" });
  const socket = "perl -MSocket -e 'print socket(S, AF_UNIX, SOCK_STREAM, 0) ? q{open} : q{closed}'";
  mkdirSync(bench.home, { mode: 0o700 });
  expect((await bench.broke(["sandbox", "trust"])).code).toBe(0);
  for (const [own, word] of [
    ["", "closed"],
    ["allow-unix = true\n", "open"],
  ] as const) {
    writeFileSync(join(bench.home, "broke.toml"), `[permissions.default]\n${own}`, { mode: 0o600 });
    const ran = await run(bench, ["-P", "p"], socket);
    const told = JSON.parse((await bench.broke(["sandbox", "explain", "-P", "p", "--json"])).stdout);
    expect({ own, stdout: ran.stdout, told: told.unix_sockets }).toEqual({ own, stdout: word, told: word });
  }
});

test("a name with a line break in it is one line of what was taken over", async () => {
  using bench = repository({ f: "1\n" });
  const ran = await run(bench, ["--workspace=copy"], 'touch "$(printf "a\\ngit merge evil")"');
  const landed = await bench.broke(["harness", "land", runIdOf(ran)]);
  expect(landed).toMatchObject({ code: 0, stdout: "a\\u{a}git merge evil\n" });
});
