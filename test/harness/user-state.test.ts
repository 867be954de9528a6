// The user's own client state in a run: sessions shared, what a later start obeys read-only or not shown, nothing left behind but sessions.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  lstatSync,
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
import { dir, file, type UserState } from "#harness/clients/client.ts";
import { clientIds, clientOf } from "#harness/clients.ts";
import { clearUserState, openUserState, userStateBinds } from "#harness/user-state.ts";
import * as libc from "#sandbox/libc.ts";

let home = "";
let journal = "";
let ownHome = "";
beforeEach(() => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "broke-user-state-")));
  home = join(folder, "home");
  journal = join(folder, "journal.json");
  ownHome = join(folder, "own");
  for (const path of [home, ownHome, join(ownHome, ".codex"), join(ownHome, ".gemini")]) mkdirSync(path);
});
afterEach(() => rmSync(dirname(home), { recursive: true, force: true }));

function write(path: string, text = "x") {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}
const open = (client = "codex", workspace = "/srv/work") =>
  openUserState({
    ...{
      client: clientOf(client),
      env: { HOME: home },
      workspace,
      home: "/home/agent",
      ownHome,
      journal,
      rehearsal: false,
    },
    regenerated: [".codex/config.toml", ".codex/models.json"],
  });

const state: UserState = {
  ...{ folder: ".x", shared: [dir("sessions"), file("history")], held: ["sessions/bin"], own: /^(tmp|.*\.sqlite)$/ },
  ...{ copied: ["index"], secret: /^auth/ },
};
const entry = (name: string, kind: "file" | "dir" | "link" | "socket" = "file") => ({
  name,
  isFile: () => kind === "file",
  isDirectory: () => kind === "dir",
  isSymbolicLink: () => kind === "link",
});

describe("what is shown how", () => {
  const binds = (entries: ReturnType<typeof entry>[]) =>
    userStateBinds(state, entries, { source: "/u/.x", target: "/home/agent/.x" }, ["settings"]).map((bind) =>
      "link" in bind ? bind : [bind.mode, bind.source, bind.target],
    );
  const held = ["read", "/u/.x/sessions/bin", "/home/agent/.x/sessions/bin"];

  test("sessions writable, all else read-only; what is the run's own, regenerated, copied or secret not at all", () => {
    expect(
      binds([
        ...[entry("sessions", "dir"), entry("history"), entry("settings"), entry("index"), entry("auth.json")],
        ...[entry("tmp", "dir"), entry("state.sqlite"), entry("new-in-next-version", "dir"), entry("ipc", "socket")],
      ]),
    ).toEqual([
      ["write", "/u/.x/sessions", "/home/agent/.x/sessions"],
      ["write", "/u/.x/history", "/home/agent/.x/history"],
      ["read", "/u/.x/new-in-next-version", "/home/agent/.x/new-in-next-version"],
      held,
    ]);
  });

  test("a link is refused wherever it would be shown, and only there", () => {
    for (const name of ["sessions", "rules", "new-in-next-version"]) {
      expect(() => binds([entry(name, "link")])).toThrow(expect.objectContaining({ kind: "denied" }));
    }
    expect(binds(["settings", "tmp", "auth.json"].map((name) => entry(name, "link")))).toEqual([held]);
  });
});

describe("opening", () => {
  test("makes what is shared and missing, and nothing else; copies indexes into the run's home", () => {
    write(".gemini/GEMINI.md", "mine");
    write(".gemini/projects.json", "{}");
    {
      using opened = open("gemini");
      expect(opened.binds).toEqual([
        { mode: "read", source: join(home, ".gemini/GEMINI.md"), target: "/home/agent/.gemini/GEMINI.md" },
        { mode: "write", source: join(home, ".gemini/tmp"), target: "/home/agent/.gemini/tmp" },
        { mode: "read", source: join(home, ".gemini/tmp/bin"), target: "/home/agent/.gemini/tmp/bin" },
      ]);
      expect(readFileSync(join(ownHome, ".gemini/projects.json"), "utf8")).toBe("{}");
    }
    expect(readdirSync(join(home, ".gemini")).sort()).toEqual(["GEMINI.md", "projects.json", "tmp"]);
    expect([lstatSync(join(home, ".gemini/tmp")).mode & 0o777, existsSync(journal)]).toEqual([0o700, false]);
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

  test("a link in the place of sessions, even one to nowhere, is refused and stays as it was; the state can be opened again", () => {
    write(".codex/history.jsonl");
    symlinkSync("nowhere", join(home, ".codex/sessions"));
    expect(() => open()).toThrow(expect.objectContaining({ kind: "denied" }));
    expect(readdirSync(join(home, ".codex")).sort()).toEqual(["history.jsonl", "sessions"]);
    rmSync(join(home, ".codex/sessions"));
    open()[Symbol.dispose]();
  });
});

describe("links, pipes and the like among the sessions", () => {
  const plant = () => {
    write(".codex/sessions/2026/a.jsonl");
    symlinkSync("/etc/passwd", join(home, ".codex/sessions/2026/mine"));
  };
  const spring = () => {
    symlinkSync(join(home, ".bashrc"), join(home, ".codex/sessions/2026/b.jsonl"));
    libc.makePipe(join(home, ".codex/sessions/pipe"));
    write(".codex/sessions/2026/c.jsonl");
  };
  const left = () => (readdirSync(join(home, ".codex/sessions"), { recursive: true }) as string[]).sort();
  const kept = ["2026", "2026/a.jsonl", "2026/c.jsonl", "2026/mine"];

  test("that came with the run go after it; the user's own stay", () => {
    plant();
    const opened = open();
    spring();
    opened[Symbol.dispose]();
    expect([left(), existsSync(journal)]).toEqual([kept, false]);
  });

  test("go also when the run died and is cleared later", () => {
    plant();
    open();
    spring();
    clearUserState(journal);
    clearUserState(journal);
    expect([left(), existsSync(journal)]).toEqual([kept, false]);
  });
});

describe("every client", () => {
  // What a start obeys or runs: from each client's documentation and from what its own program says it runs.
  const dangerous: Record<string, string[]> = {
    claude: [
      ...["settings.json", "settings.local.json", "CLAUDE.md", "hooks", "plugins", "agents", "commands", "skills"],
      ...["rules", "output-styles", "workflows", "keybindings.json", ".credentials.json", "shell-snapshots"],
      ...["session-env", "jobs", "daemon", "daemon.json", "ide", "backups", "local", "managed-settings.json"],
    ],
    codex: [
      ...["config.toml", "hooks.json", "AGENTS.md", "AGENTS.override.md", ".env", "rules", "plugins", "prompts"],
      ...["skills", "agents", "auth.json", "tmp", ".tmp", "shell_snapshots", "state_5.sqlite", "models_cache.json"],
      ...["queue_1.sqlite", "packages", "environments"],
    ],
    gemini: [
      ...["settings.json", "trustedFolders.json", "GEMINI.md", ".env", "extensions", "commands", "policies"],
      ...["skills", "agents", "hooks", "history", "oauth_creds.json", "extension_integrity.json", "acknowledgments"],
    ],
  };
  for (const id of clientIds) {
    const own = clientOf(id).userState;
    if (own === undefined) continue;
    test(`${id}: none of it is shared; no credential is shown`, () => {
      const shared = own.shared.map(({ path }) => path);
      expect(shared.filter((path) => dangerous[id]!.includes(path))).toEqual([]);
      expect(shared.filter((path) => own.own.test(path) || own.secret.test(path))).toEqual([]);
      const secrets = dangerous[id]!.filter((path) => /cred|auth|^\.env/.test(path));
      expect(secrets.filter((path) => !own.secret.test(path))).toEqual([]);
    });
  }
});
