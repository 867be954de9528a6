// Programs from a person's home: exactly the files they need are shown inside, and nothing of the folders around them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientBinds, findExecutable, nodeBinds } from "#sandbox/toolchains.ts";

const MODULE = join(import.meta.dir, "../../sandbox/toolchains.ts");
const BUN = [process.execPath, "--config=/dev/null", "--no-env-file"];
const NOBODY = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
const BECOMES_NOBODY =
  process.getuid!() === 0 &&
  Bun.spawnSync([...NOBODY, "/usr/bin/test", "-r", MODULE, "-a", "-x", process.execPath]).success;
const ELF = "\u007fELF\u0002\u0001\u0001";
let home = "";

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "broke-toolchains-")));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const at = (path: string) => join(home, path);
function file(path: string, text: string, mode = 0o755) {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text, { mode });
}
function link(path: string, target: string) {
  mkdirSync(dirname(at(path)), { recursive: true });
  symlinkSync(target, at(path));
}

const PREFIX = ".nvm/versions/node/v22.1.0";

/** What nvm leaves behind, with secrets and other programs around it. */
function nvm() {
  file(`${PREFIX}/bin/node`, ELF);
  link(`${PREFIX}/bin/npm`, "../lib/node_modules/npm/bin/npm-cli.js");
  link(`${PREFIX}/bin/npx`, "../lib/node_modules/npm/bin/npx-cli.js");
  link(`${PREFIX}/bin/gemini`, "../lib/node_modules/@google/gemini-cli/dist/index.js");
  file(`${PREFIX}/lib/node_modules/npm/bin/npm-cli.js`, "#!/usr/bin/env node\n");
  file(`${PREFIX}/lib/node_modules/npm/bin/npx-cli.js`, "#!/usr/bin/env node\n");
  file(`${PREFIX}/lib/node_modules/@google/gemini-cli/dist/index.js`, "#!/usr/bin/env node\n");
  file(`${PREFIX}/etc/npmrc`, "//registry/:_authToken=secret\n", 0o644);
  file(".npmrc", "//registry/:_authToken=secret\n", 0o600);
  file(".ssh/id_ed25519", "secret", 0o600);
}

describe("node from a prefix in a person's home", () => {
  test("its binary, its links and the packages they lead to; nothing else", () => {
    nvm();
    file(`${PREFIX}/bin/corepack-helper`, "#!/bin/sh\n");
    link(`${PREFIX}/bin/own`, "/etc/passwd");
    link(`${PREFIX}/bin/up`, "../../../../../.ssh/id_ed25519");
    link(`${PREFIX}/bin/rc`, "../etc/npmrc");
    link(`${PREFIX}/bin/beside`, "../lib/node_modules/../../etc/npmrc");
    const { binds, pathDirs } = nodeBinds([at(`${PREFIX}/bin`)]);
    const order = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    const bound = (path: string) => ({ source: at(path), target: at(path), mode: "read" as const });
    expect({ binds: binds.toSorted(order), pathDirs }).toEqual({
      binds: [
        { link: "../lib/node_modules/npm/bin/npm-cli.js", target: at(`${PREFIX}/bin/npm`) },
        { link: "../lib/node_modules/npm/bin/npx-cli.js", target: at(`${PREFIX}/bin/npx`) },
        { link: "../lib/node_modules/@google/gemini-cli/dist/index.js", target: at(`${PREFIX}/bin/gemini`) },
        bound(`${PREFIX}/bin/node`),
        bound(`${PREFIX}/lib/node_modules/npm`),
        bound(`${PREFIX}/lib/node_modules/@google/gemini-cli`),
      ].toSorted(order),
      pathDirs: [at(`${PREFIX}/bin`)],
    });
  });

  test("found through links, it is shown where it really is", () => {
    nvm();
    link(".nvm/current", "versions/node/v22.1.0");
    link(".local/bin/node", at(".nvm/current/bin/node"));
    expect(nodeBinds([at(".local/bin")])).toEqual(nodeBinds([at(`${PREFIX}/bin`)]));
    expect(nodeBinds([at(".local/bin")]).pathDirs).toEqual([at(`${PREFIX}/bin`)]);
  });

  test("a package that is a link itself: its real folder under the name the link has", () => {
    nvm();
    file("dev/tool/cli.js", "#!/usr/bin/env node\n");
    link(`${PREFIX}/lib/node_modules/tool`, at("dev/tool"));
    link(`${PREFIX}/bin/tool`, "../lib/node_modules/tool/cli.js");
    expect(nodeBinds([at(`${PREFIX}/bin`)]).binds).toContainEqual({
      source: at("dev/tool"),
      target: at(`${PREFIX}/lib/node_modules/tool`),
      mode: "read",
    });
  });

  test("no node, or the system's own, needs nothing", () => {
    expect(nodeBinds([])).toEqual({ binds: [], pathDirs: [] });
    link("bin/node", "/usr/bin/env");
    expect(nodeBinds([at("bin")])).toEqual({ binds: [], pathDirs: [] });
  });
});

describe("a client", () => {
  test("native: one file, found through the link its installer made", () => {
    file(".local/share/claude/versions/2.1.330", ELF);
    file(".local/share/claude/versions/2.1.197", ELF);
    file(".claude.json", '{"oauth":"secret"}', 0o600);
    link(".local/bin/claude", at(".local/share/claude/versions/2.1.330"));
    const real = findExecutable("claude", [at(".local/bin")]);
    expect(real).toBe(at(".local/share/claude/versions/2.1.330"));
    expect(clientBinds("claude", real!)).toEqual({
      command: "/opt/broke/clients/claude",
      binds: [
        { source: at(".local/share/claude/versions/2.1.330"), target: "/opt/broke/clients/claude", mode: "read" },
      ],
    });
  });

  test("a script: its package and no more, at its own path", () => {
    nvm();
    const folder = `${PREFIX}/lib/node_modules/@anthropic-ai/claude-code`;
    file(`${folder}/package.json`, "{}", 0o644);
    file(`${folder}/bin/cli.js`, "#!/usr/bin/env node\n");
    link(`${PREFIX}/bin/claude`, "../lib/node_modules/@anthropic-ai/claude-code/bin/cli.js");
    expect(clientBinds("claude", findExecutable("claude", [at(`${PREFIX}/bin`)])!)).toEqual({
      command: at(`${folder}/bin/cli.js`),
      binds: [{ source: at(folder), target: at(folder), mode: "read" }],
    });
  });

  test("the system's own needs no bind", () => {
    expect(clientBinds("env", "/usr/bin/env")).toEqual({ command: "/usr/bin/env", binds: [] });
  });

  test("a wrapper in the home does not bring the home, whatever lies beside it", () => {
    file("bin/claude", "#!/bin/sh\nexec /somewhere/else\n");
    file("package.json", "{}", 0o644);
    expect(() => clientBinds("claude", at("bin/claude"))).toThrow(expect.objectContaining({ kind: "missing" }));
  });

  test("a script outside any package is refused", () => {
    file("bin/claude", "#!/bin/sh\nexec /somewhere/else\n");
    expect(() => clientBinds("claude", at("bin/claude"))).toThrow(
      expect.objectContaining({ kind: "missing", message: "the client is a script outside any installed package" }),
    );
  });
});

describe("looking for an executable", () => {
  test("in the folders' order; what is no executable file is passed over", () => {
    file("data/claude", ELF, 0o644);
    mkdirSync(at("folder/claude"), { recursive: true });
    link("dangling/claude", "nowhere");
    link("circle/claude", "claude");
    file("plain", "");
    file("second/claude", ELF);
    file("third/claude", ELF);
    const folders = ["missing", "data", "folder", "dangling", "circle", "plain", "second", "third"].map(at);
    expect(findExecutable("claude", folders)).toBe(at("second/claude"));
    expect(findExecutable("claude", folders.slice(0, 6))).toBeUndefined();
  });

  test.skipIf(!BECOMES_NOBODY)(
    "a folder or file we may not read does not have it (needs root, and a checkout others may read)",
    () => {
      file("closed/claude", ELF);
      file("unreadable/claude", ELF, 0o711);
      file("open/claude", ELF);
      chmodSync(home, 0o755);
      chmodSync(at("closed"), 0o700);
      const script = `const { findExecutable } = await import(process.argv[1]);
      process.stdout.write(String(findExecutable("claude", process.argv.slice(2))));`;
      const folders = ["closed", "unreadable", "open"].map(at);
      const result = Bun.spawnSync([...NOBODY, ...BUN, "-e", script, MODULE, ...folders], { env: {}, cwd: "/" });
      expect([result.stdout.toString(), result.stderr.toString()]).toEqual([at("open/claude"), ""]);
    },
  );
});
