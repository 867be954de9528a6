// A run's client home: written fresh, and afterwards only what the client keeps, whatever it left there.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeClientHome, pruneClientHome } from "#harness/client-home.ts";
import type { ClientContext } from "#harness/clients/client.ts";
import { clientOf } from "#harness/clients.ts";
import * as libc from "#sandbox/libc.ts";

let folder = "";
let home = "";
let outside = "";

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "broke-client-home-")));
  home = join(folder, "home");
  outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "precious"), "x");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const context: ClientContext = {
  ...{ home: "/home/agent", workspace: "/srv/my work", gatewayUrl: "http://127.0.0.1:1", token: "nonce" },
  ...{ terminal: false, confined: true, userState: false, opened: [], slots: [] },
};
const claude = clientOf("claude");
const KEEP = claude.keep;

/** Every path in the home with its permissions and, of a file, its text. */
function listing(root = home): Record<string, string> {
  const paths = (readdirSync(root, { recursive: true }) as string[]).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const stat = lstatSync(join(root, path));
      const mode = (stat.mode & 0o777).toString(8);
      if (stat.isSymbolicLink()) return [path, "link"];
      return [path, stat.isFile() ? `${mode} ${readFileSync(join(root, path), "utf8")}` : mode];
    }),
  );
}

function write(path: string, text = "x") {
  mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, path), text, { mode: 0o600 });
}

describe("making", () => {
  test("Claude Code's: onboarded, the workspace trusted, its own settings, and what is read-only there to be mounted", () => {
    const readOnly = makeClientHome(home, claude, context);
    const dirs = ["agents", "commands", "hooks", "plugins", "skills"];
    expect(listing()).toEqual({
      ".claude": "700",
      ".claude/.claude.json":
        '600 {"hasCompletedOnboarding":true,"projects":{"/srv/my work":{"hasTrustDialogAccepted":true}}}',
      ".claude/settings.json": '600 {"skipDangerousModePermissionPrompt":true}',
      ".claude/settings.local.json": "600 {}",
      ...Object.fromEntries(dirs.map((name) => [`.claude/${name}`, "700"])),
    });
    expect(lstatSync(home).mode & 0o777).toBe(0o700);
    expect(readOnly.toSorted()).toEqual(
      [...dirs, "settings.json", "settings.local.json"].map((name) => `.claude/${name}`).toSorted(),
    );
    expect(readOnly.filter((path) => !existsSync(join(home, path)))).toEqual([]);
  });

  test("any other command's: empty", () => {
    expect([makeClientHome(home, clientOf("exec"), context), listing()]).toEqual([[], {}]);
  });

  test("nothing of the token is written", () => {
    makeClientHome(home, claude, { ...context, token: "brokerun_very_secret" });
    expect(JSON.stringify(listing())).not.toContain("brokerun_very_secret");
  });

  test("in what was pruned after an earlier turn, and never behind a link, in place of a file or over what is there", () => {
    makeClientHome(home, claude, context);
    expect(() => makeClientHome(home, claude, context)).toThrow();
    pruneClientHome(home, claude.keep);
    makeClientHome(home, claude, context);
    rmSync(home, { recursive: true });
    writeFileSync(home, "");
    expect(() => makeClientHome(home, claude, context)).toThrow();
    rmSync(home);
    symlinkSync(outside, home);
    expect(() => makeClientHome(home, claude, context)).toThrow();
    expect(readdirSync(outside)).toEqual(["precious"]);
  });
});

describe("emptying", () => {
  const session = ".claude/projects/-srv-work/session.jsonl";

  test("leaves the transcripts and the folders above them", () => {
    makeClientHome(home, claude, context);
    for (const path of [
      session,
      ".claude/hooks/evil",
      ".claude/history.jsonl",
      ".bashrc",
      ".cache/a/b/c",
      "projects/x",
    ])
      write(path);
    pruneClientHome(home, KEEP);
    expect(listing()).toEqual({
      ".claude": "700",
      ".claude/projects": "700",
      ".claude/projects/-srv-work": "700",
      [session]: "600 x",
    });
  });

  test("twice is once", () => {
    write(session);
    pruneClientHome(home, KEEP);
    const before = listing();
    pruneClientHome(home, KEEP);
    expect(listing()).toEqual(before);
  });

  test("leaves nothing where nothing is kept", () => {
    write(session);
    write("a");
    pruneClientHome(home, []);
    expect(listing()).toEqual({});
  });

  test("names that only begin like a kept one go", () => {
    for (const path of [".claude/projects2/a", ".claude/project/a", ".claude2/projects/a", ".claude/projects/a"])
      write(path);
    pruneClientHome(home, KEEP);
    expect(Object.keys(listing())).toEqual([".claude", ".claude/projects", ".claude/projects/a"]);
  });

  const links: [string, string, Record<string, string>][] = [
    ["a link to a folder", "link", {}],
    ["a link in the place of a folder above", ".claude", {}],
    ["a link in the place of what is kept", ".claude/projects", { ".claude": "700" }],
    ["a link deep below", "a/b/link", {}],
  ];
  for (const [name, path, left] of links) {
    test(`${name} goes; what it leads to stays`, () => {
      mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 });
      symlinkSync(outside, join(home, path));
      mkdirSync(join(outside, "projects"));
      pruneClientHome(home, KEEP);
      expect([listing(), listing(outside)]).toEqual([
        left,
        { precious: expect.stringMatching(/ x$/), projects: "755" },
      ]);
    });
  }

  test("a file in the place of what is kept, or of a folder above it, goes", () => {
    write(".claude/projects", "not a folder");
    pruneClientHome(home, KEEP);
    expect(listing()).toEqual({ ".claude": "700" });
    rmSync(join(home, ".claude"), { recursive: true });
    write(".claude", "not a folder");
    pruneClientHome(home, KEEP);
    expect(listing()).toEqual({});
  });

  test("a pipe, a dangling link and odd names go", () => {
    write("-rf");
    write("a\nb/c d");
    symlinkSync("nowhere", join(home, "dangling"));
    libc.makePipe(join(home, "pipe"));
    pruneClientHome(home, KEEP);
    expect(listing()).toEqual({});
  });

  test("of what is kept only plain files and folders stay, for their owner alone", () => {
    write(session);
    write(".claude/projects/deep/er/file");
    chmodSync(join(home, session), 0o777);
    chmodSync(join(home, ".claude/projects/deep"), 0o000);
    symlinkSync(join(outside, "precious"), join(home, ".claude/projects/link.jsonl"));
    symlinkSync(outside, join(home, ".claude/projects/-srv-work/folder"));
    libc.makePipe(join(home, ".claude/projects/-srv-work/pipe"));
    pruneClientHome(home, KEEP);
    expect([listing(), readdirSync(outside)]).toEqual([
      {
        ".claude": "700",
        ".claude/projects": "700",
        ".claude/projects/-srv-work": "700",
        [session]: "600 x",
        ".claude/projects/deep": "700",
        ".claude/projects/deep/er": "700",
        ".claude/projects/deep/er/file": "600 x",
      },
      ["precious"],
    ]);
  });

  test("a home that is a link, a file or not there is left alone", () => {
    symlinkSync(outside, home);
    pruneClientHome(home, []);
    expect(listing(outside)).toEqual({ precious: expect.stringMatching(/ x$/) });
    renameSync(home, join(folder, "aside"));
    pruneClientHome(home, []);
    writeFileSync(home, "x");
    chmodSync(home, 0o600);
    pruneClientHome(home, []);
    expect(readFileSync(home, "utf8")).toBe("x");
  });
});
