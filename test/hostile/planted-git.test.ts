// Everything that git can be made to run by what it reads, planted all at once: in the operator's repository, in the operator's own configuration
// and environment, and by the worker in its tree. Nothing of it runs, whatever the harness does with either. Each plant leaves a mark wherever it
// could run: on the host, and in the folders that the supervisor's own git is given. A control shows that plain git springs every one of them.

import { expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

/** A shell command that leaves its mark and then does what is asked of it. */
const spring = (host: string, name: string) =>
  `for p in ${host} /r/git /r/tree . \\"$GIT_DIR\\"; do echo x 2>/dev/null > \\"$p/sprung-${name}\\"; done 2>/dev/null`;
const shell = (text: string) => text.replaceAll('\\"', '"');

const HOOKS = [
  ...["pre-commit", "post-commit", "post-checkout", "post-merge", "post-index-change", "reference-transaction"],
  ...["update", "pre-receive", "post-receive", "pre-auto-gc", "pre-applypatch", "sendemail-validate"],
];

/** What a repository's `config` and the files around it make git run. */
function plantIn(repository: string, gitDir: string, host: string): void {
  const run = (name: string) => spring(host, name);
  const config = [
    `[core]\n\tfsmonitor = "${run("fsmonitor")}; echo /"\n\thooksPath = evil-hooks\n\tattributesFile = evil.attributes\n\tsshCommand = "${run("ssh")}"`,
    `\talternateRefsCommand = "${run("alternate")}"\n\tpager = "${run("pager")}"\n\taskPass = "${run("askpass")}"`,
    `[filter "x"]\n\tclean = "${run("clean")}; cat"\n\tsmudge = "${run("smudge")}; cat"\n\trequired = true`,
    `[diff]\n\texternal = "${run("external")}; true"\n[diff "x"]\n\ttextconv = "${run("textconv")}; cat"\n\tcommand = "${run("command")}; true"`,
    `[merge "x"]\n\tdriver = "${run("merge")}"\n[include]\n\tpath = evil.inc\n[includeIf "gitdir:**"]\n\tpath = evil-if.inc`,
    `[uploadpack]\n\tpackObjectsHook = "${run("pack")}"\n[credential]\n\thelper = "!${run("credential")}"`,
    `[remote "origin"]\n\turl = ext::sh -c touch% ${host}/sprung-ext\n[submodule "s"]\n\tupdate = "!${run("submodule")}"`,
  ].join("\n");
  writeFileSync(join(gitDir, "config"), `${readFileSync(join(gitDir, "config"), "utf8")}${config}\n`);
  writeFileSync(
    join(gitDir, "evil.inc"),
    `[sequence]\n\teditor = "${run("sequence")}"\n[core]\n\teditor = "${run("include")}; true"\n`,
  );
  writeFileSync(join(gitDir, "evil-if.inc"), `[gpg]\n\tprogram = evil-gpg\n`);
  mkdirSync(join(gitDir, "info"), { recursive: true });
  writeFileSync(join(gitDir, "info/attributes"), "* filter=x diff=x merge=x\ng !diff\n");
  for (const [folder, name] of [
    ["evil-hooks", "hookspath"],
    [".git/hooks", "hooks"],
  ] as const) {
    mkdirSync(join(repository, folder), { recursive: true });
    for (const hook of HOOKS) {
      writeFileSync(join(repository, folder, hook), `#!/bin/sh\n${shell(run(name))}\n`);
      chmodSync(join(repository, folder, hook), 0o755);
    }
  }
  writeFileSync(join(repository, ".gitattributes"), "* filter=x diff=x merge=x\n");
  writeFileSync(join(repository, "evil.attributes"), "* filter=x diff=x merge=x\n");
}

function marks(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  return [...new Set(found.filter(({ name }) => name.startsWith("sprung-")).map(({ name }) => name))].sort();
}

const plainly = (cwd: string, home: string, ...args: string[]) =>
  Bun.spawnSync(["/usr/bin/git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
    ...{ cwd, stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    env: { PATH: "/usr/bin:/bin", HOME: home, GIT_CONFIG_GLOBAL: "/dev/null" },
  });

/** A repository with a commit and something uncommitted, and then everything planted. */
function makeRepository(bench: Bench, host: string): void {
  const at = (path: string) => join(bench.workspace, path);
  plainly(bench.workspace, host, "init", "-q", "-b", "main");
  writeFileSync(at("f"), "one\n");
  writeFileSync(at("g"), "two\n");
  plainly(bench.workspace, host, "add", ".");
  plainly(bench.workspace, host, "commit", "-qm", "one");
  writeFileSync(at("g"), "changed\n");
  writeFileSync(at("untracked"), "u\n");
  plantIn(bench.workspace, at(".git"), host);
}

/** The operator's own configuration and environment, which a project may have had a hand in. */
function surroundings(bench: Bench, host: string): Record<string, string> {
  const run = (name: string) => shell(spring(host, name));
  writeFileSync(
    join(bench.env["HOME"]!, ".gitconfig"),
    `[core]\n\tfsmonitor = "${spring(host, "global")}; echo /"\n\thooksPath = ${bench.workspace}/evil-hooks\n`,
  );
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.fsmonitor",
    GIT_CONFIG_VALUE_0: run("environment"),
    GIT_EXTERNAL_DIFF: run("external-environment"),
    GIT_SSH_COMMAND: run("ssh-environment"),
    GIT_EDITOR: run("editor-environment"),
    GIT_PAGER: run("pager-environment"),
    GIT_TEMPLATE_DIR: join(bench.workspace, "evil-hooks"),
    GIT_EXEC_PATH: join(bench.workspace, "evil-hooks"),
  };
}

/** The same by a worker, in whichever tree it has, without any git of its own. */
const worker = (host: string) => `
  set -e
  echo more >> f; echo new > new; rm -f g
  cp -r .git/. /tmp/kept 2>/dev/null || true
  for d in . nested; do
    mkdir -p $d/evil-hooks $d/.git/hooks $d/.git/info 2>/dev/null || true
    for h in ${HOOKS.join(" ")}; do printf '#!/bin/sh\\n%s\\n' '${shell(spring(host, "worker-hook")).replaceAll("'", "")}' | tee $d/evil-hooks/$h > $d/.git/hooks/$h 2>/dev/null || true; chmod 755 $d/evil-hooks/$h $d/.git/hooks/$h 2>/dev/null || true; done
    printf '[core]\\n\\tfsmonitor = "%s"\\n\\thooksPath = evil-hooks\\n[filter "x"]\\n\\tclean = "%s; cat"\\n\\tsmudge = "%s; cat"\\n[diff]\\n\\texternal = "%s"\\n[diff "x"]\\n\\ttextconv = "%s; cat"\\n[include]\\n\\tpath = ../evil.inc\\n[includeIf "gitdir:**"]\\n\\tpath = ../evil.inc\\n' ${Array.from({ length: 5 }, (_, index) => `'${spring(host, `worker-${index}`)}'`).join(" ")} >> $d/.git/config 2>/dev/null || true
    echo '* filter=x diff=x merge=x' | tee $d/.gitattributes > $d/.git/info/attributes 2>/dev/null || true
  done
  printf 'ref: refs/heads/main\\n' > nested/.git/HEAD; mkdir -p nested/.git/objects nested/.git/refs
  printf '[core]\\n\\tfsmonitor = "%s"\\n' '${spring(host, "worker-include")}' > evil.inc
  true`;

test("the control: plain git springs what is planted", () => {
  using bench = makeBench();
  const host = bench.env["HOME"]!;
  makeRepository(bench, host);
  const at = join(bench.workspace, "f");
  writeFileSync(at, "control\n");
  for (const words of [
    ["status"],
    ["diff"],
    ["diff", "--no-ext-diff"],
    ["add", "f"],
    ["commit", "--no-gpg-sign"],
    ["commit", "-qm", "x"],
    ["checkout", "-q", "HEAD", "f"],
    ["checkout", "-q", "--", "f"],
    ["log", "-p", "--ext-diff", "-1"],
  ])
    plainly(bench.workspace, host, ...words);
  expect(marks(host)).toEqual(
    expect.arrayContaining(
      ["clean", "command", "external", "fsmonitor", "hookspath", "include", "smudge", "textconv"].map(
        (name) => `sprung-${name}`,
      ),
    ),
  );
});

test.each(["direct", "copy", "worktree"])("nothing that is planted runs: %s, to its end and after it", async (mode) => {
  using bench = makeBench();
  const host = bench.env["HOME"]!;
  makeRepository(bench, host);
  const env = surroundings(bench, host);
  const all = (...args: string[]) => bench.broke(args, { env });
  const verify = ["--policy", "throughput", "--retries", "0", "--verify", "test -e new"];
  const ran = await all(
    "harness",
    "run",
    "--client",
    "exec",
    "--workspace",
    mode,
    ...verify,
    "--",
    "bash",
    "-c",
    worker(host),
  );
  const id = runIdOf(ran);
  const after: [string, number][] = [];
  for (const words of [
    ...[["land", id], ["diff", id], ["show", id], ["replay", id], ["verify", id], ["list"], ["reconcile"]],
    ...[
      ["export", id, "--out", join(host, "run.tar")],
      ["discard", id],
    ],
  ]) {
    const { code } = await all("harness", ...words);
    after.push([words[0]!, code]);
  }
  expect([ran.code, ran.stderr]).toEqual([
    0,
    expect.stringContaining('git configuration "nested/.git/config" quarantined'),
  ]);
  expect({ marks: marks(host), broken: after.filter(([, code]) => code === 5) }).toEqual({ marks: [], broken: [] });
  expect(after.filter(([word]) => word === "diff" || word === "verify")).toEqual([
    ["diff", 0],
    ["verify", 0],
  ]);
  cpSync(bench.workspace, join(host, "copied"), { recursive: true });
  expect(marks(join(host, "copied"))).toEqual([]);
});
