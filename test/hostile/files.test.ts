// File permissions from inside: what was allowed can be done, what was denied cannot, whichever way it is tried.

import { describe, expect, test } from "bun:test";
import { existsSync, linkSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, runIdOf } from "#test/support/broke.ts";
import { launchers, makeTree, probe } from "#test/support/tree.ts";

const files = {
  ...{ "ws/a": "a", "ws/sub/x": "x", "ws/sub/deep/y": "y", "ws/.env": "KEY=1", "ws/.env.local": "KEY=2" },
  ...{
    "data/f": "f",
    "data/.env": "KEY=3",
    "data/deep/g": "g",
    "data/deep/more/h": "h",
    "data/link": "-> ../secret/s",
  },
  ...{ "secret/s": "s", "out/old": "old", "out/repo/.git/config": "[core]\n", "out/repo/.git/hooks/sample": "" },
  ...{
    "out/repo/.git/HEAD": "ref: refs/heads/main\n",
    "link-to-data": "-> data",
    ".ssh/id": "key",
    ".aws/credentials": "key",
  },
};

type Case = { name: string; flags: string[]; found: Record<string, string> };
const cases: Case[] = [
  {
    // What it makes beside the workspace is in a /tmp of its own.
    name: "nothing is shown that was not allowed",
    flags: [],
    found: {
      ...{ "write a": "ok", "read ../data/f": "ENOENT", "read .env": "EACCES", "list ..": "ok", "make ../x": "ok" },
    },
  },
  {
    name: "a folder to read, by way of a link: shown at its own path, links out of it lead nowhere",
    flags: ["--allow-read=../link-to-data"],
    found: {
      ...{ "read ../data/f": "ok", "read ../data/deep/g": "ok", "write ../data/f": "EROFS", "make ../data/n": "EROFS" },
      ...{ "mode ../data/f": "EROFS", "remove ../data/f": "EROFS", "read ../data/.env": "EACCES" },
      ...{ "read ../data/link": "ENOENT", "read ../link-to-data/f": "ENOENT", "read ../secret/s": "ENOENT" },
    },
  },
  {
    name: "a folder to write, but for what in it runs for others",
    flags: ["--allow-write=../out"],
    found: {
      ...{ "read ../out/old": "ok", "write ../out/old": "ok", "make ../out/new": "ok" },
      ...{ "write ../out/repo/.git/config": "EROFS", "make ../out/repo/.git/hooks/post-checkout": "EROFS" },
      ...{ "move ../out/repo/.git": "EBUSY", "move ../out/repo": "EBUSY", "move ../out": "EBUSY" },
    },
  },
  {
    name: "deny in allow in deny: deny wins",
    flags: ["--allow-read=../data,../data/deep/more", "--allow-write=../data/deep/more", "--deny-read=../data/deep"],
    found: {
      ...{ "read ../data/f": "ok", "list ../data/deep": "EACCES", "read ../data/deep/g": "EACCES" },
      ...{ "read ../data/deep/more/h": "EACCES", "make ../data/deep/n": "EACCES", "mode ../data/deep": "EROFS" },
      ...{ "remove ../data/deep": "EROFS", "move ../data/deep": "EROFS" },
    },
  },
  {
    name: "allowed in what is denied, and nothing around it shown: denied",
    flags: ["--allow-write=../data/deep/more", "--allow-read=../data/deep/g", "--deny-read=../data/deep"],
    found: {
      "read ../data/deep/g": "ENOENT",
      "read ../data/deep/more/h": "ENOENT",
      "make ../data/deep/more/n": "ENOENT",
    },
  },
  {
    name: "a writable folder in a read-only one, and a read-only one in that",
    flags: ["--allow-read=../data", "--allow-write=../data/deep", "--deny-write=../data/deep/more"],
    found: {
      ...{ "write ../data/f": "EROFS", "write ../data/deep/g": "ok", "write ../data/deep/more/h": "EROFS" },
      ...{ "make ../data/deep/more/n": "EROFS", "move ../data/deep/more": "EBUSY", "read ../data/deep/more/h": "ok" },
    },
  },
  {
    name: "in the workspace: unreadable and read-only, also by renaming what is above",
    flags: ["--deny-read=sub/deep,a", "--deny-write=sub/x"],
    found: {
      ...{ "read a": "EACCES", "write a": "EACCES", "mode a": "EROFS", "remove a": "EBUSY", "move a": "EBUSY" },
      ...{ "read sub/deep/y": "EACCES", "write sub/x": "EROFS", "read sub/x": "ok", "move sub": "EBUSY" },
      ...{ "move sub/x": "EBUSY", "make sub/n": "ok", "read .env": "EACCES" },
    },
  },
  {
    name: "no write at all: what is masked stays masked, the run has its own places",
    flags: ["--deny-write", "--deny-read=sub/deep"],
    found: {
      ...{
        "write a": "EROFS",
        "make n": "EROFS",
        "make sub/n": "EROFS",
        "read sub/x": "ok",
        "read sub/deep/y": "EACCES",
      },
      ...{ "read .env": "EACCES", "make /tmp/n": "ok", "make /home/agent/n": "ok" },
    },
  },
  {
    name: "a masked file is opened by its own name, and only to read",
    flags: ["--allow-read=.env"],
    found: { "read .env": "ok", "write .env": "EROFS", "read .env.local": "EACCES" },
  },
  {
    name: "what holds secrets, BROKE_HOME and the workspace: all but those",
    flags: ["--allow-write=.."],
    found: {
      ...{
        "write ../data/f": "ok",
        "read ../.ssh/id": "EACCES",
        "list ../.ssh": "EACCES",
        "read ../.aws/credentials": "EACCES",
      },
      ...{ "list ../home": "EACCES", "mode ../home": "EROFS", "move ../home": "EBUSY", "make ../home/x": "EACCES" },
      ...{ "write a": "ok", "read .env": "EACCES", "read ../data/.env": "EACCES", "move ../ws": "EBUSY" },
    },
  },
  {
    name: "a secret that is named, and nothing beside it",
    flags: ["--allow-read=..,../.ssh/id"],
    found: { "read ../.ssh/id": "ok", "make ../.ssh/n": "EROFS", "list ../.aws": "EACCES", "read ../data/f": "ok" },
  },
];

test.each([
  ["a folder to write", ["--allow-write=../../.."]],
  ["everything", ["-A"]],
])("%s: no folder above what is held can be renamed to make room for another", async (_, flags) => {
  const deep = {
    "top/p/ws2/.git/config": "[core]\n",
    "top/p/ws2/a": "a",
    "top/q/r/kept": "k",
    "top/s/t/closed": "c",
    "top/u/f": "f",
  };
  using tree = makeTree("root", { ...files, ...deep }, "/var/tmp");
  const held = [
    "move ..",
    "move ../..",
    "move ../../q",
    "move ../../q/r",
    "move ../../s",
    "move ../../s/t",
    "move ../../b/home",
    "move ../../b",
  ];
  const denies = ["--deny-write=../../q/r/kept", "--deny-read=../../s/t/closed"];
  const cwd = join(tree.base, "top/p/ws2");
  const env = { BROKE_HOME: join(tree.base, "top/b/home") };
  const { found } = await probe(tree, [...flags, ...denies], [...held, "move ../../u", "write .git/config"], {
    cwd,
    env,
  });
  expect(found).toEqual({
    ...Object.fromEntries(held.map((each) => [each, "EBUSY"])),
    ...{ "move ../../u": "ok", "write .git/config": "EROFS" },
  });
});

test("protected names that an allowed folder and its repositories did not have and got are taken away after the run", async () => {
  using tree = makeTree("root", files);
  const tries = ["make ../out/repo/.git/commondir", "make ../out/.envrc", "make ../out/repo/.git/config.worktree"];
  const { ran, found } = await probe(tree, ["--allow-write=../out"], tries);
  expect(found).toEqual(Object.fromEntries(tries.map((each) => [each, "ok"])));
  expect(ran.stderr).toContain("ACCEPT_WITH_WARNINGS");
  const events = await tree.broke(["harness", "events", runIdOf(ran), "--json"], { cwd: tree.ws });
  const record = events.stdout.split("\n").find((line) => line.includes("workspace.swept"))!;
  const { swept } = JSON.parse(record).data as { swept: { path: string; kind: string; action: string }[] };
  const names = [".envrc", "repo/.git/commondir", "repo/.git/config.worktree"].map((name) =>
    join(tree.base, "out", name),
  );
  expect(swept.map(({ path, action }) => [path, action])).toEqual(names.map((path) => [path, "quarantined"]));
  expect(names.filter((path) => existsSync(path))).toEqual([]);
});

/** Refused before anything is started: what is protected is not opened by naming it as a path. */
const refused = [
  "../out/repo/.git",
  "../out/repo/.git/hooks",
  "../home",
  "../home/runs",
  "/run",
  "/proc/self",
  "/home",
  "/",
];
test.each(refused)("--allow-write=%s is refused", async (path) => {
  using tree = makeTree("root", files);
  await probe(tree, [], ["read a"]);
  const { ran, found } = await probe(tree, [`--allow-write=${path}`], ["read a"]);
  expect({ code: ran.code, found }).toEqual({ code: 4, found: {} });
});

test("a path that is swapped for a link all the while never shows what the link leads to", async () => {
  using tree = makeTree("root", { ...files, "d/s": "harmless" });
  const swap = 'while (1) { rename "d", "r"; symlink "secret", "d"; unlink "d"; rename "r", "d" }';
  const swapping = Bun.spawn(["perl", "-e", swap], { cwd: tree.base, stdio: ["ignore", "ignore", "ignore"] });
  const seen = new Set<string>();
  try {
    for (let round = 0; round < 12; round++) {
      const words = ["harness", "run", "--client", "exec", "--allow-read=../d", "--", "cat", "../d/s"];
      seen.add((await tree.broke(words, { cwd: tree.ws })).stdout);
    }
  } finally {
    swapping.kill();
    await swapping.exited;
  }
  expect([...seen].filter((text) => text !== "" && text !== "harmless")).toEqual([]);
});

for (const launcher of launchers) {
  for (const sandbox of ["strict", "hardened"]) {
    describe(`${sandbox}, launched by ${launcher}`, () => {
      for (const { name, flags, found } of cases) {
        test(name, async () => {
          using tree = makeTree(launcher, files);
          const probed = await probe(tree, ["--sandbox", sandbox, ...flags], Object.keys(found));
          expect({ found: probed.found, code: probed.ran.code }).toEqual({ found, code: 0 });
          expect(existsSync(join(tree.base, "x"))).toBe(false);
        });
      }
    });
  }
}

// In /var/tmp, because a run has a /tmp of its own also where it is shown the host's files.
const wide: Case[] = [
  {
    name: "in a folder below /var/tmp all is as elsewhere",
    flags: ["--allow-read=../data"],
    found: { "write a": "ok", "read ../data/f": "ok", "write ../data/f": "EROFS", "read ../secret/s": "ENOENT" },
  },
  {
    name: "--allow-read: the host's files, but for BROKE_HOME, other people's homes, keys and services",
    flags: ["--allow-read"],
    found: {
      ...{
        "read ../data/f": "ok",
        "write ../data/f": "EROFS",
        "read ../secret/s": "ok",
        "write a": "ok",
        "read .env": "EACCES",
      },
      ...{ "list ../home": "EACCES", "read /etc/shadow": "EACCES", "list /root": "EACCES", "make /run/x": "EROFS" },
      ...{ "read /etc/os-release": "ok", "make /etc/x": "EROFS", "make ../x": "EROFS", "make /tmp/x": "ok" },
      ...{ "read /run/utmp": "ENOENT", "list /sys/kernel": "ENOENT", "write /proc/sys/kernel/core_pattern": "refused" },
    },
  },
  {
    name: "-A, and still a deny",
    flags: ["-A", "--deny-read=../secret", "--deny-write=../out"],
    found: {
      ...{ "write ../data/f": "ok", "make ../n": "ok", "read ../secret/s": "EACCES", "make ../secret/n": "EACCES" },
      ...{ "write ../out/old": "EROFS", "make ../out/n": "EROFS", "read ../out/old": "ok", "read .env": "EACCES" },
      ...{ "list ../home": "EACCES", "mode ../home": "EROFS", "move ../home": "EBUSY", "list /root": "EACCES" },
      ...{ "make /run/x": "EROFS", "write /proc/sys/kernel/core_pattern": "refused", "list /sys/kernel": "ENOENT" },
      ...{ "move ../out": "EBUSY", "move ../secret": "EBUSY" },
    },
  },
  {
    name: "-A without writing: the workspace is read-only too",
    flags: ["-A", "--deny-write"],
    found: { "read ../data/f": "ok", "write ../data/f": "EROFS", "write a": "EROFS", "read .env": "EACCES" },
  },
  {
    name: "named in what is hidden, and no more of it",
    flags: ["--allow-read", "--allow-read=../.ssh/id"],
    found: { "read ../.ssh/id": "ok", "make ../.ssh/x": "EROFS", "read ../data/f": "ok" },
  },
];
for (const launcher of launchers) {
  describe(`the host's files, launched by ${launcher}`, () => {
    for (const { name, flags, found } of wide) {
      test(name, async () => {
        using tree = makeTree(launcher, files, "/var/tmp");
        const probed = await probe(tree, flags, Object.keys(found));
        // By whichever comes first: its mode, for a plain user, or the mount.
        const said = Object.entries(probed.found).map(([key, value]) =>
          key.includes("/proc/") && (value === "EROFS" || value === "EACCES") ? [key, "refused"] : [key, value],
        );
        expect({ found: Object.fromEntries(said), code: probed.ran.code }).toEqual({ found, code: 0 });
        expect(existsSync("/run/x")).toBe(false);
      });
    }
  });
}

test("-A does not make broke itself writable, and says what it opens", async () => {
  using tree = makeTree("root", files, "/var/tmp");
  const own = `${ROOT}/sandbox/plan.ts`;
  const { ran, found } = await probe(tree, ["-A"], [`write ${own}`, `make ${ROOT}/src/x`, `move ${ROOT}/sandbox`]);
  expect(found).toEqual({
    [`write ${own}`]: "EROFS",
    [`make ${ROOT}/src/x`]: "EROFS",
    [`move ${ROOT}/sandbox`]: "EROFS",
  });
  expect(ran.stderr).toContain("it writes every file that you can");
  expect(ran.stderr).toContain("ACCEPT_WITH_WARNINGS");
});

test("a denied file is read by another name it has, and the run says so", async () => {
  using tree = makeTree("root", files);
  linkSync(join(tree.base, "ws/a"), join(tree.base, "ws/other"));
  const { ran, found } = await probe(tree, ["--deny-read=a"], ["read a", "read other"]);
  expect(found).toEqual({ "read a": "EACCES", "read other": "ok" });
  expect(ran.stderr).toContain("denied files have other names");
});

test("what the run did not touch is as it was", async () => {
  using tree = makeTree("root", files);
  await probe(tree, ["--allow-write=.."], ["make ../.ssh/n", "make ../home/n", "write ../out/repo/.git/config"]);
  expect(readFileSync(join(tree.base, "out/repo/.git/config"), "utf8")).toBe("[core]\n");
  expect(existsSync(join(tree.base, ".ssh/n"))).toBe(false);
});
