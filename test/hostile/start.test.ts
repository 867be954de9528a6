// Every way broke is started, from a folder and an environment that try to slip code into the interpreter: none of it runs, none of it is read.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

type Trap = Disposable & {
  folder: string;
  marker: string;
  home: string;
  env: Record<string, string>;
  sprung(): string[];
};

/** A library every system has and Bun does not use: seen in a process's maps when it was preloaded. */
const LIBRARY = "libresolv.so.2";

function layTrap(): Trap {
  const dir = mkdtempSync(join(tmpdir(), "broke-trap-"));
  const [folder, home, marker, user] = ["project", "broke-home", "sprung", "user"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(marker);
  const spring = (name: string) => `require("node:fs").writeFileSync(${JSON.stringify(join(marker, name))}, "");`;
  const files: Record<string, string> = {
    "project/bunfig.toml": 'preload = ["./preload.ts"]\n[test]\npreload = ["./preload.ts"]\n[run]\nbun = true\n',
    "project/preload.ts": spring("bunfig"),
    "project/.env": `BROKE_HOME=${join(dir, "env-home")}\nBROKE_CLIENT_TOKEN=token-from-the-env-file\nBUN_OPTIONS=--preload ./preload.ts\n`,
    "project/.env.local": `BROKE_HOME=${join(dir, "env-home")}\n`,
    "project/tsconfig.json":
      '{"compilerOptions":{"baseUrl":".","paths":{"#src/*":["./evil.ts"],"elysia":["./evil.ts"],"valibot":["./evil.ts"]}}}',
    "project/package.json": '{"name":"broke","imports":{"#src/*":"./evil.ts"},"scripts":{"preinstall":"touch x"}}',
    "project/evil.ts": `${spring("module")} export const x = 1;`,
    "project/node_modules/elysia/index.js": spring("node_modules"),
    "project/node_modules/elysia/package.json": '{"name":"elysia","main":"index.js"}',
    "user/.bunfig.toml": `preload = ["${join(folder, "global.ts")}"]\n`,
    "project/global.ts": spring("global-bunfig"),
    "project/option.ts": spring("bun-options"),
    "project/node.cjs": spring("node-options"),
    "project/env.sh": `: > ${join(marker, "bash-env")}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  return {
    folder,
    marker,
    home,
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: user,
      XDG_CONFIG_HOME: user,
      BROKE_HOME: home,
      BUN_OPTIONS: `--preload ${join(folder, "option.ts")}`,
      BUN_CONFIG_PRELOAD: join(folder, "option.ts"),
      BUN_INSPECT_PRELOAD: join(folder, "option.ts"),
      NODE_OPTIONS: `--require ${join(folder, "node.cjs")}`,
      NODE_PATH: join(folder, "node_modules"),
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      LD_PRELOAD: LIBRARY,
      BASH_ENV: join(folder, "env.sh"),
      ENV: join(folder, "env.sh"),
    },
    sprung: () => [...readdirSync(marker), ...(existsSync(join(dir, "env-home")) ? ["env-file"] : [])],
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function start(trap: Trap, words: string[]) {
  return Bun.spawn([LAUNCHER, ...words], { cwd: trap.folder, env: trap.env, stdio: ["ignore", "pipe", "pipe"] });
}

/** What a process of ours loaded and was told. */
function inside(pid: number): { preloaded: boolean; variables: string[] } {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return {
    preloaded: readFileSync(`/proc/${pid}/maps`, "utf8").includes(LIBRARY),
    variables: variables
      .map((text) => text.split("=")[0]!)
      .filter((name) => /^(BUN_|LD_|NODE_|BASH_ENV$|ENV$)/.test(name)),
  };
}

describe("a folder and an environment full of traps", () => {
  const commands: string[][] = [
    ["--version"],
    ["--help"],
    ["list"],
    ["models", "--json"],
    ["status"],
    ["harness", "list"],
    ["harness", "run", "--client", "exec", "--", "true"],
    ["harness", "run", "--client", "exec", "--sandbox", "normal", "--", "true"],
    ["harness", "reconcile"],
    ["sandbox"],
    ["sandbox", "set", "hardened"],
    ["settings"],
    ["settings", "silence=60"],
    ["key-state"],
    ["key-state", "set", "NAME", "healthy"],
    ["backend", "list"],
    ["route", "sonnet"],
    ["stop"],
    ...["claude", "codex", "gemini", "c", "x", "g"].map((name) => [name, "--version"]),
    ...["claude", "codex", "gemini"].map((name) => ["launch", name, "--version"]),
  ];
  /** Asked of a home with nothing in it, these have no for an answer. */
  const negative = ["status", "route", "key-state set"];
  for (const words of commands) {
    test(`broke ${words.join(" ")}`, async () => {
      using trap = layTrap();
      const child = start(trap, words);
      const stderr = await new Response(child.stderr).text();
      const code = await child.exited;
      expect({
        code: negative.some((start) => words.join(" ").startsWith(start)) ? code - 1 : code,
        bug: stderr.includes("internal"),
        sprung: trap.sprung(),
      }).toEqual({ code: 0, bug: false, sprung: [] });
    });
  }

  test("the gateway in the foreground, and what its process carries", async () => {
    using trap = layTrap();
    const child = start(trap, ["gateway", "--port=0"]);
    await readFrom(child.stderr).until("listening");
    expect({ sprung: trap.sprung(), ...inside(child.pid) }).toEqual({ sprung: [], preloaded: false, variables: [] });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("the gateway in the background", async () => {
    using trap = layTrap();
    expect(await start(trap, ["start", "--port=0"]).exited).toBe(0);
    try {
      const { pid } = JSON.parse(readFileSync(join(trap.home, "run", "gateway.json"), "utf8")) as { pid: number };
      expect({ sprung: trap.sprung(), ...inside(pid) }).toEqual({ sprung: [], preloaded: false, variables: [] });
    } finally {
      await start(trap, ["stop"]).exited;
    }
  });

  test("the supervisor and the sandbox's own programs, while a client runs", async () => {
    using trap = layTrap();
    const fifo = join(trap.folder, "ready");
    const child = start(trap, [
      "harness",
      "run",
      "--client",
      "exec",
      "--",
      "sh",
      "-c",
      "echo up; read -r x < go; grep -c libresolv /proc/self/maps; env",
    ]);
    Bun.spawnSync(["mkfifo", join(trap.folder, "go")]);
    const reading = readFrom(child.stdout);
    await reading.until("up");
    const below = descendants(child.pid).filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("bun"));
    expect(below.length).toBeGreaterThanOrEqual(1);
    for (const pid of [child.pid, ...below].filter(isOpen))
      expect({ pid, preloaded: inside(pid).preloaded }).toEqual({ pid, preloaded: false });
    writeFileSync(join(trap.folder, "go"), "x\n");
    expect(await reading.rest()).not.toMatch(/^(BUN_|LD_|NODE_|BASH_ENV|ENV=)/m);
    expect(existsSync(fifo)).toBe(false);
    await child.exited;
    expect(trap.sprung()).toEqual([]);
  });

  test("by way of links, as npm installs it", async () => {
    using trap = layTrap();
    const bin = join(trap.folder, "bin");
    mkdirSync(bin);
    symlinkSync(LAUNCHER, join(bin, "first"));
    symlinkSync("first", join(bin, "broke"));
    const child = Bun.spawn([join(bin, "broke"), "--version"], {
      cwd: bin,
      env: trap.env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect([await new Response(child.stdout).text(), await child.exited, trap.sprung()]).toEqual(["0.1.0\n", 0, []]);
  });
});

test("the traps have teeth: a bare interpreter springs them", async () => {
  using trap = layTrap();
  writeFileSync(join(trap.folder, "innocent.ts"), "export {};\n");
  const child = Bun.spawn([process.execPath, "innocent.ts"], {
    cwd: trap.folder,
    env: trap.env,
    stdio: ["ignore", "ignore", "ignore"],
  });
  await child.exited;
  expect(trap.sprung()).toEqual(expect.arrayContaining(["bun-options", "bunfig"]));
});

/** Init lets nobody look into it, us included, unless we are root. */
function isOpen(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/environ`);
    return true;
  } catch {
    return false;
  }
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
