// Git's configuration read as git reads it, beside git itself, and judged: what is plain and what makes git run something.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryName, isPlain, parseGitConfig } from "#sandbox/git-config.ts";

/** What git itself reads, `name\nvalue` pairs; undefined when it refuses the file. */
function byGit(text: string): [string, string | null][] | undefined {
  const dir = mkdtempSync(join(tmpdir(), "broke-config-"));
  try {
    writeFileSync(join(dir, "config"), text);
    const ran = Bun.spawnSync(["git", "config", "--no-includes", "-z", "-f", join(dir, "config"), "--list"], {
      env: { PATH: "/usr/bin:/bin", HOME: dir },
    });
    if (!ran.success) return undefined;
    const items = ran.stdout.toString().split("\0").slice(0, -1);
    return items.map((item) => {
      const cut = item.indexOf("\n");
      return cut === -1 ? [item, null] : [item.slice(0, cut), item.slice(cut + 1)];
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const byUs = (text: string) =>
  parseGitConfig(text)?.map((entry): [string, string | null] => [entryName(entry), entry.value]);

/** Some versions of git make a space of every tab inside a value. */
const spaced = (read: [string, string | null][]) => read?.map(([name, value]) => [name, value?.replaceAll("\t", " ")]);

describe("read as git reads it", () => {
  const texts = [
    "",
    "[core]\n\tbare = false\n",
    '[remote "origin"]\n\turl = https://example.com/x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n',
    "[core] fsmonitor = touch x\n",
    "[CoRe]FSmonitor=x",
    "[core]\nbare\n",
    "[core]\nbare # c\nx = 1 ; c\n",
    "[a.B.c]\nk = v\n",
    '[a "B.\\"q\\\\ x"]\nk = v\n',
    '[a]\nk = "one # two" three   \n',
    "[a]\nk = one \\\n  two\n",
    '[a]\nk = one\\ttwo\\n\\"x\\\\\n',
    '[a]\nk = "  lead  " trail  # c\n',
    "[a]\r\nk = v\r\nl = w\r\n",
    "\ufeff[a]\nk = v\n",
    "; only a comment\n# and another\n",
    "[a]\nk = a b  c\n",
    "[a]\nk =\nl = x\n",
    "[a]k=v\n[b]l=w\n",
    "[a\nk = v\n",
    '[a "b]\nk = v\n',
    '[a]\nk = "open\nl = 1\n',
    "[a]\nk = bad \\q escape\n",
    "[a]\n1k = v\n",
    "[a]\nk v\n",
    "[]\nk = v\n",
    "[a] ; c\nk=v",
    "[a]\nk-2 = v\n_x = 1\n",
  ];
  test.each(texts)("%j", (text) => expect(byUs(text)).toEqual(byGit(text)));

  test("what git takes and nobody writes is not understood", () => {
    expect(["k = v\n", "[a]\nk = v \\", "[a]\nk = v\0\n"].map(byUs)).toEqual([undefined, undefined, undefined]);
  });

  test("and of text at random", () => {
    const parts = [
      "[a]",
      '[a "b c"]',
      "\n",
      " ",
      "\t",
      "k",
      "=",
      "v",
      '"',
      "\\",
      "\\n",
      "#",
      ";",
      "\r\n",
      "[x.y]",
      "key = val\n",
      "\\\n",
    ];
    const seed = Date.now() % 1_000_000;
    let state = seed;
    const next = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * below);
    };
    for (let round = 0; round < 150; round++) {
      const text = Array.from({ length: 1 + next(12) }, () => parts[next(parts.length)]!).join("");
      // Where git reads more than we do the file counts as not understood, never as plain.
      const ours = byUs(text);
      if (ours !== undefined)
        expect({ seed, text, read: spaced(ours) }).toEqual({ seed, text, read: spaced(byGit(text)!) });
    }
  });
});

describe("judged", () => {
  const judge = (text: string) =>
    parseGitConfig(text)!
      .filter((entry) => !isPlain(entry))
      .map(entryName);

  test("what git init, git clone and ordinary settings write is plain", () => {
    const text = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = true
	fsmonitor = true
[remote "origin"]
	url = git@example.com:a/b.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
	remote = origin
	merge = refs/heads/main
[submodule "x"]
	active = true
	url = ../x
	update = rebase
[user]
	name = a
	email = a@b
[pull]
	rebase = true
[merge]
	conflictstyle = zdiff3
[diff]
	algorithm = histogram
`;
    expect(judge(text)).toEqual([]);
  });

  const running = [
    ["core.fsmonitor", "[core]\nfsmonitor = touch x"],
    ["core.hookspath", "[core]\nhooksPath = /tmp/h"],
    ["core.sshcommand", "[core]\nsshCommand = x"],
    ["core.pager", "[core]\npager = x"],
    ["core.editor", "[core]\neditor = x"],
    ["core.askpass", "[core]\naskPass = x"],
    ["core.gitproxy", "[core]\ngitProxy = x"],
    ["core.alternaterefscommand", "[core]\nalternateRefsCommand = x"],
    ["core.worktree", "[core]\nworktree = /home/x"],
    ["sequence.editor", "[sequence]\neditor = x"],
    ["diff.external", "[diff]\nexternal = x"],
    ["diff.a.command", '[diff "a"]\ncommand = x'],
    ["diff.a.textconv", '[diff "a"]\ntextconv = x'],
    ["merge.a.driver", '[merge "a"]\ndriver = x'],
    ["filter.a.clean", '[filter "a"]\nclean = x'],
    ["filter.a.process", "[filter.a]\nprocess = x"],
    ["include.path", "[include]\npath = x"],
    ["includeif.gitdir:x.path", '[includeIf "gitdir:x"]\npath = x'],
    ["alias.st", "[alias]\nst = !touch x"],
    ["alias.st", "[alias]\nst = rebase --exec x"],
    ["credential.helper", "[credential]\nhelper = x"],
    ["credential.https://x.helper", '[credential "https://x"]\nhelper = x'],
    ["protocol.ext.allow", '[protocol "ext"]\nallow = always'],
    ["remote.o.url", '[remote "o"]\nurl = ext::sh -c x'],
    ["remote.o.uploadpack", '[remote "o"]\nuploadpack = x'],
    ["remote.o.vcs", '[remote "o"]\nvcs = x'],
    ["url.ext::x.insteadof", '[url "ext::x"]\ninsteadOf = https'],
    ["branch.m.remote", '[branch "m"]\nremote = ext::x'],
    ["branch.m.mergeoptions", '[branch "m"]\nmergeoptions = -s x'],
    ["submodule.x.update", '[submodule "x"]\nupdate = !x'],
    ["gpg.program", "[gpg]\nprogram = x"],
    ["gpg.ssh.program", '[gpg "ssh"]\nprogram = x'],
    ["pager.log", "[pager]\nlog = x"],
    ["interactive.difffilter", "[interactive]\ndiffFilter = x"],
    ["gc.recentobjectshook", "[gc]\nrecentObjectsHook = x"],
    ["uploadpack.packobjectshook", "[uploadpack]\npackObjectsHook = x"],
    ["hook.x.command", '[hook "x"]\ncommand = x'],
    ["trailer.x.cmd", '[trailer "x"]\ncmd = x'],
    ["mergetool.x.cmd", '[mergetool "x"]\ncmd = x'],
    ["init.templatedir", "[init]\ntemplateDir = x"],
    ["lfs.customtransfer.x.path", '[lfs "customtransfer.x"]\npath = x'],
    ["tostring.x", "[toString]\nx = 1"],
    ["constructor.x", "[constructor]\nx = 1"],
  ] as const;
  test.each(running)("%s runs something, or may", (name, text) => expect(judge(`${text}\n`)).toEqual([name]));
});
