// Words about programs turned into files of this machine: every name of a denied one is covered, a list shows nothing else, and what cannot be
// meant is refused before anything is launched.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProgramPlace } from "#sandbox/program-files.ts";
import { findPrograms, programWords, shimmable } from "#sandbox/run-programs.ts";
import type { RunPermission } from "#sandbox/run-permission.ts";

let dir: string;
const at = (...names: string[]) => join(dir, ...names);
const program = (path: string, text = `#!/bin/sh\n# ${path}\n`) => writeFileSync(at(path), text, { mode: 0o755 });
const idOf = (path: string) => {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "programs-")));
  for (const name of ["bin", "more", "ws", "elsewhere"]) mkdirSync(at(name));
  for (const name of ["bin/tool", "bin/other", "more/tool", "ws/own", "elsewhere/strange"]) program(name);
  linkSync(at("bin/tool"), at("bin/hard"));
  symlinkSync("tool", at("bin/soft"));
  copyFileSync(at("bin/tool"), at("bin/copied"));
  writeFileSync(at("mask"), "", { mode: 0 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const find = (permission: Partial<RunPermission>, place: Partial<ProgramPlace> = {}) =>
  findPrograms(
    { others: "allow", allow: [], deny: [], ask: [], ...permission },
    {
      path: [at("bin"), at("more"), "/usr/bin"],
      binds: ["bin", "more"].map((name) => ({ source: at(name), target: `/shown/${name}`, mode: "read" as const })),
      workspace: at("ws"),
      client: ["/bin/sh"],
      bun: "/srv/bun",
      ...place,
    },
    at("mask"),
  );

describe("denied", () => {
  test.each(["tool", "soft", "hard", "copied"])(
    "by the name %s: every file of that name, every other name, and copies beside it",
    (word) => {
      const { cover, rules, only, warnings } = find({ deny: [word] });
      const files = ["bin/tool", "bin/hard", "bin/copied", ...(word === "tool" ? ["more/tool"] : [])];
      expect(cover.sort()).toEqual(files.map((file) => `/shown/${file}`).sort());
      expect([...rules.denied].sort()).toEqual([...new Set(files.map((file) => idOf(at(file))))].sort());
      expect([rules.others, rules.mask, only, warnings]).toEqual(["allow", idOf(at("mask")), undefined, []]);
    },
  );

  test("in the workspace: no mount, which would move with its name, but by its inode", () => {
    const { cover, rules } = find({ deny: ["./own"] });
    expect([cover, rules.denied]).toEqual([[], [idOf(at("ws/own"))]]);
  });

  test("one that is not here does nothing, and says so", () => {
    const { cover, warnings } = find({ deny: ["absent", "/elsewhere/strange"] });
    const note = (word: string) => `--deny-run: no program "${word}" is shown inside`;
    expect([cover, warnings]).toEqual([[], [note("absent"), note("/elsewhere/strange")]]);
  });

  test("the mounts are the mask over each", () => {
    const programs = find({ deny: ["other"] });
    expect(programWords(programs)).toEqual(["--ro-bind", at("mask"), "/shown/bin/other"]);
    expect([at("bin/other"), at("bin/tool")].map(shimmable(programs))).toEqual([false, true]);
  });
});

describe("a list", () => {
  const sh = realpathSync("/bin/sh");

  test("is the files named, first on PATH, with the client's own; PATH's folders show no other", () => {
    const { rules, only, cover } = find({ others: "deny", allow: ["other", "ls"] });
    const ls = realpathSync("/usr/bin/ls");
    expect(rules.allowed).toEqual([at("bin/other"), ls, sh].map(idOf));
    expect(only!.files.sort()).toEqual([ls, sh].sort());
    expect(only!.links.find(({ path }) => path === "/usr/bin/sh")).toEqual({ path: "/usr/bin/sh", to: sh });
    expect(rules.hidden).toContain("/usr/bin/wc");
    expect(rules.hidden).not.toContain("/usr/bin/ls");
    expect([cover, [at("bin/other")].map(shimmable(find({ others: "deny", allow: ["other"] })))]).toEqual([
      [],
      [false],
    ]);
  });

  test("the folders are emptied, filled and closed", () => {
    const words = programWords(find({ others: "deny", allow: ["ls"] }));
    const order = ["--tmpfs /usr/bin", "--ro-bind /usr/bin/ls /usr/bin/ls", "--remount-ro /usr/bin"];
    const places = order.map((part) => words.join(" ").indexOf(`${part} `) + 1 || words.join(" ").indexOf(part) + 1);
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("a program of the workspace may be on it, and the client can make another of it", () => {
    const { rules, warnings } = find({ others: "deny", allow: ["./own"] });
    expect(rules.allowed[0]).toBe(idOf(at("ws/own")));
    expect(warnings).toEqual([
      `${at("ws/own")} may run, and the client can write it: it can make another program of it`,
    ]);
  });

  test("a client that is a script brings its interpreter, and the one env looks up", () => {
    program("ws/script", "#!/usr/bin/env other\n");
    const { rules } = find({ others: "deny" }, { client: [at("ws/script")] });
    const own = [at("ws/script"), realpathSync("/usr/bin/env"), at("bin/other"), sh];
    expect(new Set(rules.allowed)).toEqual(new Set(own.map(idOf)));
  });
});

test.each([
  ["a word that is nowhere", { allow: ["absent"] }, '--allow-run: no program "absent" is shown inside'],
  [
    "a path that is not shown",
    { ask: ["/elsewhere/strange"] },
    '--ask-run: no program "/elsewhere/strange" is shown inside',
  ],
  ["the client itself denied", { deny: ["sh"] }, `--deny-run: the client itself is run by ${realpathSync("/bin/sh")}`],
])("%s is refused", (_, permission, message) => {
  expect(() => find({ others: "deny", ...permission })).toThrow(expect.objectContaining({ kind: "usage", message }));
});

test("a listed script without its interpreter is refused, with what is missing", () => {
  program("bin/script", "#!/usr/bin/perl\n");
  expect(() => find({ others: "deny", allow: ["script"] })).toThrow(
    expect.objectContaining({
      kind: "usage",
      message: `--allow-run: ${at("bin/script")} is a script and run by ${realpathSync("/usr/bin/perl")}`,
    }),
  );
});
