// The user's own client state in a run: sessions writable, what a later start obeys read-only, credentials out of reach, nothing left behind.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { UserState } from "#harness/clients/client.ts";
import { clientIds, clientOf } from "#harness/clients.ts";
import { clearRun } from "#harness/cleanup.ts";
import { openUserState, userStateBinds } from "#harness/user-state.ts";
import * as libc from "#sandbox/libc.ts";
import { openHome, runPaths } from "#src/state/paths.ts";

let home = "";
let journal = "";
beforeEach(() => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "broke-user-state-")));
  home = join(folder, "home");
  journal = join(folder, "journal.json");
  mkdirSync(home);
});
afterEach(() => rmSync(dirname(home), { recursive: true, force: true }));

function write(path: string, text = "x") {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}
const open = (client = "codex", workspace = "/srv/work") =>
  openUserState({
    ...{ client: clientOf(client), env: { HOME: home }, workspace, home: "/home/agent", journal },
    regenerated: [".codex/config.toml", ".codex/models.json"],
  });

const state: UserState = { folder: ".x", writable: /^sessions$/, guarded: [], secret: /^auth/ };
const entry = (name: string, kind: "file" | "dir" | "link" = "file") => ({
  name,
  isFile: () => kind === "file",
  isSymbolicLink: () => kind === "link",
});

describe("what is shown how", () => {
  const binds = (entries: ReturnType<typeof entry>[]) =>
    userStateBinds(state, entries, { source: "/u/.x", target: "/home/agent/.x" }, ["settings"]).map((bind) =>
      "link" in bind ? bind : [bind.mode, bind.source, bind.target],
    );

  test("the folder writable; in it everything that is not known as state read-only, credentials empty", () => {
    expect(
      binds([entry("sessions", "dir"), entry("settings"), entry("new-in-next-version", "dir"), entry("auth.json")]),
    ).toEqual([
      ["write", "/u/.x", "/home/agent/.x"],
      ["read", "/u/.x/new-in-next-version", "/home/agent/.x/new-in-next-version"],
      ["read", "/dev/null", "/home/agent/.x/auth.json"],
    ]);
  });

  test("a link among the sessions is theirs; any other is refused", () => {
    expect(binds([entry("sessions", "link")])).toHaveLength(1);
    for (const name of ["settings", "hooks", "auth.json"]) {
      expect(() => binds([entry(name, "link")])).toThrow(expect.objectContaining({ kind: "denied" }));
    }
  });
});

describe("opening", () => {
  test("holds every guarded name while it is open, and leaves what was there, and nothing else", () => {
    write(".codex/config.toml", "mine");
    write(".codex/sessions/a.jsonl");
    const guarded = clientOf("codex").userState!.guarded.map(({ path }) => path);
    {
      using opened = open();
      expect(guarded.filter((path) => !existsSync(join(home, ".codex", path)))).toEqual([]);
      const shown = opened.binds.map((bind) => ("link" in bind ? "" : bind.target));
      const held = guarded.filter((path) => path !== "config.toml" && path !== "models.json");
      expect(held.filter((path) => !shown.includes(`/home/agent/.codex/${path}`))).toEqual([]);
    }
    expect(readdirSync(join(home, ".codex")).sort()).toEqual(["config.toml", "sessions"]);
    expect([readFileSync(join(home, ".codex/config.toml"), "utf8"), existsSync(journal)]).toEqual(["mine", false]);
  });

  test("is refused for a client without state, a user without it, and while another run holds it", () => {
    expect(() => open("exec")).toThrow(expect.objectContaining({ kind: "usage" }));
    expect(() => open()).toThrow(expect.objectContaining({ kind: "missing" }));
    write(".codex/sessions/a.jsonl");
    const other = openSync(join(home, ".codex"), "r");
    expect(libc.tryLock(other)).toBe(true);
    expect(() => open()).toThrow(expect.objectContaining({ kind: "busy" }));
    closeSync(other);
    open()[Symbol.dispose]();
    open()[Symbol.dispose]();
  });

  test("is refused where the workspace is in it, or it in the workspace by way of a link", () => {
    write("dotfiles/codex/sessions/a.jsonl");
    symlinkSync(join(home, "dotfiles/codex"), join(home, ".codex"));
    for (const workspace of ["dotfiles", "dotfiles/codex", "dotfiles/codex/sessions"]) {
      expect(() => open("codex", join(home, workspace))).toThrow(expect.objectContaining({ kind: "denied" }));
    }
  });

  test("a folder that is a link is the one it leads to", () => {
    write("dotfiles/codex/sessions/a.jsonl");
    symlinkSync(join(home, "dotfiles/codex"), join(home, ".codex"));
    using opened = open();
    expect(opened.folder).toBe(join(home, "dotfiles/codex"));
  });

  test("a link in the place of settings, even one to nowhere, is refused and stays as it was", () => {
    write(".codex/sessions/a.jsonl");
    symlinkSync("nowhere", join(home, ".codex/hooks.json"));
    expect(() => open()).toThrow(expect.objectContaining({ kind: "denied" }));
    expect(readdirSync(join(home, ".codex")).sort()).toEqual(["hooks.json", "sessions"]);
    rmSync(join(home, ".codex/hooks.json"));
    open()[Symbol.dispose]();
  });
});

test("what a run that died left in it is taken away when the run is cleared", () => {
  write(".codex/sessions/a.jsonl");
  const brokeHome = openHome({ BROKE_HOME: join(dirname(home), "broke") });
  const paths = runPaths(brokeHome, "run_1700000000_0123abcd");
  mkdirSync(paths.root);
  journal = paths.statePlaceholders;
  open();
  expect(existsSync(join(home, ".codex/hooks.json"))).toBe(true);
  writeFileSync(paths.placeholders, JSON.stringify({ root: home, made: [] }));
  clearRun(paths, []);
  expect([readdirSync(join(home, ".codex")), existsSync(journal)]).toEqual([["sessions"], false]);
});

test("no client may write what it names as guarded or secret", () => {
  for (const id of clientIds) {
    const own = clientOf(id).userState;
    if (own === undefined) continue;
    expect(own.guarded.filter(({ path }) => own.writable.test(path))).toEqual([]);
    for (const file of clientOf(id).readOnly.files)
      expect(own.guarded.map(({ path }) => `${own.folder}/${path}`)).toContain(file);
  }
});
