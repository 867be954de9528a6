// `--workspace worktree` in repositories that are not plain: filters, shallow, SHA-256, line ends, sparse, odd names, many refs, gone indexes.

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench, runIdOf } from "#test/support/broke.ts";

const bench = () => {
  const made = makeBench();
  const at = (path: string) => join(made.workspace, path);
  const git = (...args: string[]) => {
    const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
      cwd: made.workspace,
      env: { PATH: "/usr/bin:/bin", HOME: made.env["HOME"]! },
    });
    if (!ran.success) throw new Error(ran.stderr.toString());
    return ran.stdout.toString().trim();
  };
  /** Runs it in a worktree and returns what the landed ref changed. */
  const landed = async (script: string, cwd = made.workspace) => {
    const words = ["harness", "run", "--client", "exec", "--workspace=worktree", "--", "bash", "-ec", script];
    const ran = await made.broke(words, { cwd });
    const [ref, start] = ["runs", "starts"].map((kind) => `refs/broke/${kind}/${runIdOf(ran)}`);
    const from = git("-C", cwd, "for-each-ref", start!) === "" ? "HEAD" : start!;
    return {
      code: ran.code,
      stdout: ran.stdout,
      changed: git("-C", cwd, "diff", "--no-ext-diff", "--name-status", from, ref!),
    };
  };
  return { ...made, at, git, landed };
};

test("files that a filter keeps otherwise than they are committed stay as committed, unless the run changes them", async () => {
  using it = bench();
  it.git("init", "-q");
  it.git("config", "filter.big.clean", "sed s/BIG/pointer/");
  it.git("config", "filter.big.smudge", "sed s/pointer/BIG/");
  writeFileSync(it.at(".gitattributes"), "*.bin filter=big\n");
  for (const name of ["a.bin", "b.bin"]) writeFileSync(it.at(name), "BIG\n");
  it.git("add", ".");
  it.git("commit", "-qm", "x");
  expect(it.git("show", "HEAD:a.bin")).toBe("pointer");
  const { code, stdout, changed } = await it.landed("cat a.bin; echo mine > b.bin; echo n > n");
  expect({ code, stdout, changed }).toEqual({ code: 0, stdout: "BIG\n", changed: "M\tb.bin\nA\tn" });
});

test("shallow", async () => {
  using it = bench();
  it.git("init", "-q");
  for (const name of ["a", "b", "c"]) {
    writeFileSync(it.at(name), name);
    it.git("add", ".");
    it.git("commit", "-qm", name);
  }
  it.git("clone", "-q", "--depth", "1", `file://${it.workspace}`, "../shallow");
  const cwd = join(it.workspace, "../shallow");
  const script = "git log --oneline | wc -l; git fsck --no-dangling; echo n > n; git add n; git commit -qm n";
  expect(await it.landed(script, cwd)).toEqual({ code: 0, stdout: "1\n", changed: "A\tn" });
  expect(it.git("-C", cwd, "fsck", "--no-dangling")).toBe("");
});

test("SHA-256", async () => {
  using it = bench();
  it.git("init", "-q", "--object-format=sha256");
  writeFileSync(it.at("a"), "a");
  it.git("add", ".");
  it.git("commit", "-qm", "a");
  expect(await it.landed("git status --porcelain; echo n > n; git add n; git commit -qm n; echo m > m")).toEqual({
    ...{ code: 0, stdout: "", changed: "A\tm\nA\tn" },
  });
});

test("line ends, modes, links, names of all kinds, packed refs and objects", async () => {
  using it = bench();
  it.git("init", "-q");
  it.git("config", "core.autocrlf", "true");
  writeFileSync(it.at("crlf"), "a\r\nb\r\n");
  writeFileSync(it.at("tool"), "#!/bin/sh\n");
  chmodSync(it.at("tool"), 0o755);
  symlinkSync("tool", it.at("link"));
  for (const name of ["new\nline", 'quo"te', " space ", "-dash", "ünï"]) writeFileSync(it.at(name), name);
  writeFileSync(Buffer.concat([Buffer.from(`${it.workspace}/`), Buffer.from([0xff, 0x41])]), "bytes");
  mkdirSync(it.at("deep/er"), { recursive: true });
  writeFileSync(it.at("deep/er/f"), "f");
  it.git("add", ".");
  it.git("commit", "-qm", "x");
  for (const name of ["one", "two/three", "v1.0"]) it.git("branch", name);
  it.git("pack-refs", "--all");
  it.git("gc", "-q");
  const result = await it.landed(
    "git status --porcelain; git branch | wc -l; ./tool; readlink link; chmod +x crlf; rm deep/er/f; ln -sfn crlf link",
  );
  expect(result).toEqual({ code: 0, stdout: "4\ntool\n", changed: "M\tcrlf\nD\tdeep/er/f\nM\tlink" });
  expect(readFileSync(it.at("crlf"), "utf8")).toBe("a\r\nb\r\n");
});

test("a sparse checkout, and an index that is gone", async () => {
  using it = bench();
  it.git("init", "-q");
  for (const folder of ["in", "out"]) {
    mkdirSync(it.at(folder));
    writeFileSync(it.at(`${folder}/f`), "f");
  }
  it.git("add", ".");
  it.git("commit", "-qm", "x");
  it.git("sparse-checkout", "set", "in");
  expect(await it.landed("git status --porcelain; ls -d in out 2>/dev/null || true; echo n > in/n")).toEqual({
    ...{ code: 0, stdout: "in\n", changed: "A\tin/n" },
  });
  it.git("sparse-checkout", "disable");
  rmSync(it.at(".git/index"));
  const { code, changed } = await it.landed("echo n > n");
  expect({ code, changed }).toEqual({ code: 0, changed: "A\tn" });
});
