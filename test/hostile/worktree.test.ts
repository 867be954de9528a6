// A worker that owns its clone, `.git` and all, against the operator's repository and the supervisor that lands its work.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeBench, type Ran, runIdOf } from "#test/support/broke.ts";

const bench = () => {
  const made = makeBench();
  const dir = made.env["HOME"]!;
  const at = (path: string) => join(made.workspace, path);
  const git = (...args: string[]) => {
    const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
      cwd: made.workspace,
      env: { PATH: "/usr/bin:/bin", HOME: dir },
    });
    if (!ran.success) throw new Error(ran.stderr.toString());
    return ran.stdout.toString().trim();
  };
  const put = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  git("init", "-q", "-b", "main");
  put("f", "1\n");
  git("add", ".");
  git("commit", "-qm", "one");
  const run = (script: string, ...options: string[]) =>
    made.broke(["harness", "run", "--client", "exec", "--workspace=worktree", ...options, "--", "bash", "-c", script]);
  const landed = (ran: Ran) => git("for-each-ref", "--format=%(refname)", "refs/broke").includes(runIdOf(ran));
  return { ...made, dir, at, git, put, run, landed };
};

/** Ways for a worker to have its `.git` run something on the host; each would make `pwned` there. */
const RUNS = (pwned: string): [string, string][] => [
  [
    "configuration and hooks in place of the held ones",
    `mv .git .g2 2>/dev/null; git init -q . ; git config core.fsmonitor 'touch ${pwned}'; for h in pre-commit post-checkout reference-transaction post-index-change; do printf '#!/bin/sh\\ntouch ${pwned}\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done`,
  ],
  [
    "filters by attributes",
    `git config filter.x.clean 'touch ${pwned}' ; echo '* filter=x diff=x merge=x' > .gitattributes; echo z >> f`,
  ],
  [
    "a nested repository that runs something when it is looked at",
    `git init -q n; git -C n config core.fsmonitor 'touch ${pwned}'; (cd n; echo x > x; git -c core.fsmonitor=false add x; git -c core.fsmonitor=false commit -qm x); git add n 2>/dev/null`,
  ],
  [
    "an upload-pack hook",
    `git config --file .git/x uploadpack.packObjectsHook 'touch ${pwned}'; cat .git/x >> .git/config.worktree; echo z > z`,
  ],
  [
    "a commondir",
    `mkdir e; cp .git/config e/config; printf '[core]\\nfsmonitor = touch ${pwned}\\n' >> e/config; echo ../e > .git/commondir; echo z > z`,
  ],
];

test("nothing of a worker's repository runs on the host, and its honest part is landed", async () => {
  using it = bench();
  const pwned = join(it.dir, "pwned");
  for (const [name, script] of RUNS(pwned)) {
    const ran = await it.run(`${script}; echo honest > honest; true`);
    expect({ name, code: ran.code, pwned: existsSync(pwned), landed: it.landed(ran) }).toEqual({
      name,
      code: 0,
      pwned: false,
      landed: true,
    });
    expect(it.git("show", `refs/broke/runs/${runIdOf(ran)}:honest`)).toBe("honest");
  }
  expect(it.git("fsck", "--no-dangling")).toBe("");
});

test("alternates, links for objects and a head of its own choice read nothing beyond the clone and the repository", async () => {
  using it = bench();
  const secret = join(it.dir, "secret");
  const other = (...args: string[]) => it.git("-C", secret, ...args);
  mkdirSync(secret);
  other("init", "-q");
  writeFileSync(join(secret, "key"), "hidden\n");
  other("add", ".");
  other("commit", "-qm", "hidden");
  const oid = other("rev-parse", "HEAD");
  const scripts = [
    `echo ${secret}/.git/objects >> .git/objects/info/alternates; echo ${oid} > .git/HEAD`,
    `rm -rf .git/objects; ln -s ${secret}/.git/objects .git/objects; echo ${oid} > .git/HEAD`,
    `rm -f .git/HEAD; ln -s ${secret}/.git/HEAD .git/HEAD`,
    `echo 'ref: ../../../../../secret/.git/refs/heads/master' > .git/HEAD`,
    `rm -rf .git/refs/heads; ln -s ${secret}/.git/refs/heads .git/refs/heads`,
  ];
  for (const script of scripts) {
    const ran = await it.run(`${script}; echo honest > honest; true`);
    expect({ script, code: ran.code }).toEqual({ script, code: 0 });
    expect(() => it.git("cat-file", "-e", oid)).toThrow();
    if (it.landed(ran)) {
      const ref = `refs/broke/runs/${runIdOf(ran)}`;
      expect(it.git("diff", "--name-only", "main", ref)).toBe("honest");
    } else expect(ran.stderr).toContain("not landed");
  }
});

test("protected names are not landed: in the tree, by plumbing alone, on the way, under a folder; unless opened", async () => {
  using it = bench();
  const plumb = (path: string) =>
    `b=$(echo evil | git hash-object -w --stdin); git update-index --add --cacheinfo 100644,$b,${path}; git commit -qm x`;
  const cases: [string, string][] = [
    [plumb(".mcp.json"), ".mcp.json"],
    [plumb(".github/workflows/x.yml"), ".github/workflows/x.yml"],
    [plumb("deep/er/.claude/settings.json"), "deep/er/.claude/settings.json"],
    [
      `${plumb(".vscode/tasks.json")}; git rm -q --cached .vscode/tasks.json; git commit -qm gone`,
      ".vscode/tasks.json",
    ],
    [
      `git switch -qc side; ${plumb(".npmrc")}; git switch -q main; git merge -q --no-ff -s ours side -m merged`,
      ".npmrc",
    ],
  ];
  for (const [script, path] of cases) {
    const ran = await it.run(`${script}; echo honest > honest; true`);
    expect({ script, landed: it.landed(ran), verdict: ran.stderr.includes("ACCEPT_WITH_WARNINGS") }).toEqual({
      script,
      landed: false,
      verdict: true,
    });
    expect(ran.stderr).toContain(`not landed, because it changes protected names: ${path}\n`);
    const land = await it.broke([
      "harness",
      "land",
      runIdOf(ran),
      `--allow-protected=${path.replace(/\/(x.yml|tasks.json)$/, "")}`,
    ]);
    expect({ script, code: land.code, landed: it.landed(ran) }).toEqual({ script, code: 0, landed: true });
  }
});

test("names a checkout would take for .git, and trees that are none, do not pass the check of objects", async () => {
  using it = bench();
  const evil = (name: string) =>
    `b=$(echo '[core]' | git hash-object -w --stdin); s=$(printf '100644 blob %s\\tconfig\\n' $b | git mktree); t=$( (git ls-tree HEAD; printf '040000 tree %s\\t${name}\\n' $s) | git mktree ); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)`;
  for (const name of [".git", ".GIT", "git~1", ".."]) {
    const ran = await it.run(`${evil(name)}; true`);
    expect({ name, landed: it.landed(ran), said: ran.stderr.includes("not landed") }).toEqual({
      name,
      landed: false,
      said: true,
    });
  }
  expect(it.git("fsck", "--no-dangling")).toBe("");
});

test("objects whose content is not what their name says are not believed", async () => {
  using it = bench();
  // The real tree with a workflow in it is in the repository already, unreachable, as an earlier run may have left it.
  const blob = it.git("hash-object", "-w", "f");
  const index = { GIT_INDEX_FILE: join(it.dir, "index") };
  const seed = (script: string) => {
    const ran = Bun.spawnSync(["sh", "-c", script], {
      cwd: it.workspace,
      env: { PATH: "/usr/bin:/bin", HOME: it.dir, ...index },
    });
    return ran.stdout.toString().trim();
  };
  const real = seed(
    `git update-index --add --cacheinfo 100644,${blob},f --cacheinfo 100644,${blob},.github/workflows/x.yml; git write-tree`,
  );
  // A pack is looked into before single objects: in this one a harmless tree stands under the name of the folder with the workflow.
  const fake = `set -e
    git update-ref HEAD $(git commit-tree ${real} -p HEAD -m innocent)
    p=.git/objects/pack/pack-$(git rev-parse HEAD~1^{tree} | git pack-objects -q .git/objects/pack/pack).idx; chmod u+w $p
    python3 - $p $(git rev-parse ${real}:.github) <<'PY'
import sys
data=bytearray(open(sys.argv[1],"rb").read()); oid=bytes.fromhex(sys.argv[2])
for i in range(256): data[8+4*i:12+4*i]=(1 if i>=oid[0] else 0).to_bytes(4,"big")
data[1032:1052]=oid
open(sys.argv[1],"wb").write(data)
PY
    git diff-tree -r --name-only HEAD~1 HEAD`;
  const ran = await it.run(fake);
  expect({ landed: it.landed(ran), code: ran.code, seen: ran.stdout }).toEqual({
    landed: false,
    code: 0,
    seen: ".github/f\n",
  });
  expect(ran.stderr).toContain("not landed, because it changes protected names: .github/workflows/x.yml\n");
});

test("pipes for refs and objects hold nobody up", async () => {
  using it = bench();
  const ran = await it.run(
    "rm -f .git/refs/heads/main .git/packed-refs; mkfifo .git/refs/heads/main .git/packed-refs; mkdir -p .git/objects/aa; mkfifo .git/objects/aa/00000000000000000000000000000000000000; echo h > honest; true",
  );
  expect({ code: ran.code, landed: it.landed(ran) }).toEqual({ code: 0, landed: true });
});

test("the original cannot be written from inside, and an objects' list a worker made there leads the next clone nowhere", async () => {
  using it = bench();
  const before = it.git("count-objects", "-v");
  const ran = await it.run(
    "for p in /run/broke/objects/0/x /run/broke/objects/0/info/alternates; do (echo x > $p) 2>/dev/null && echo wrote; done; echo over",
  );
  expect(ran.stdout).toBe("over\n");
  expect(it.git("count-objects", "-v")).toBe(before);
  const direct = await it.broke([
    "harness",
    "run",
    "--client",
    "exec",
    "--",
    "sh",
    "-c",
    `(echo ${it.dir} > .git/objects/info/alternates) 2>/dev/null && echo wrote; mv .git/objects .git/o 2>/dev/null && echo moved; echo over`,
  ]);
  expect(direct.stdout).toBe("over\n");
  expect(readdirSync(it.at(".git/objects/info"))).toEqual([]);
  expect(readFileSync(it.at("f"), "utf8")).toBe("1\n");
});
