// The set-up where a Debian package is missing: by root or sudo, or one line with the exact command and exit 3. Every tool it calls is a stand-in.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "#test/support/broke.ts";
import { sit } from "#test/support/terminal.ts";

const COMMAND =
  "setup: missing: bubblewrap — run: apt-get update && apt-get install -y bubblewrap  (as root), then this again";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "broke-setup-"));
  for (const name of ["bin", "shims"]) mkdirSync(join(folder, name));
  // The same script, on a machine without any of the packages.
  const text = readFileSync(join(ROOT, "shims", "setup"), "utf8").replaceAll("=/usr/bin/", "=/nowhere/");
  writeFileSync(join(folder, "shims", "setup"), text);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stand(name: string, text: string) {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}
const calls = () => (existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8") : "");
const argv = () => ["/bin/sh", join(folder, "shims", "setup"), "demo"];
const options = () => ({ cwd: folder, env: { PATH: `${join(folder, "bin")}:/nowhere`, CALLS: join(folder, "calls") } });

/** A machine: who we are, and what sudo does. */
function machine(uid: number, sudo: "none" | "free" | "asks" | "refuses") {
  for (const name of ["dirname", "env", "true"]) stand(name, `exec /usr/bin/${name} "$@"`);
  stand("id", `echo ${uid}`);
  stand("apt-get", 'echo "apt-get $* ${DEBIAN_FRONTEND:-}" >> "$CALLS"');
  stand("npm", "exit 9");
  stand("node", "echo 0");
  if (sudo === "none") return;
  const asking = 'printf "password: " > /dev/tty; read -r word < /dev/tty; : > "$CALLS.asked"';
  const ask = sudo === "free" ? "" : `[ "$1" = -n ] && exit 1; [ -e "$CALLS.asked" ] || { ${asking}; };`;
  // As sudo does, it keeps nothing of the caller's environment.
  stand("sudo", `${ask} ${sudo === "refuses" ? "exit 1" : '[ "$1" = -n ] && shift; unset DEBIAN_FRONTEND; exec "$@"'}`);
}

async function run() {
  const child = Bun.spawn(argv(), { ...options(), stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, first: stderr.split("\n")[0], calls: calls() };
}

const installs = "apt-get update -qq \napt-get install -y -qq --no-install-recommends bubblewrap noninteractive\n";

describe("without a terminal", () => {
  test("root, and sudo without a password, install", async () => {
    for (const [uid, sudo] of [
      [0, "none"],
      [1000, "free"],
    ] as const) {
      machine(uid, sudo);
      rmSync(join(folder, "calls"), { force: true });
      expect(await run()).toMatchObject({ stdout: "", first: "setup: installing bubblewrap", calls: installs });
    }
  });

  test("neither, or a sudo that would ask: the exact command, exit 3, nothing tried", async () => {
    for (const sudo of ["none", "asks"] as const) {
      machine(1000, sudo);
      expect(await run()).toEqual({ code: 3, stdout: "", first: COMMAND, calls: "" });
    }
  });
});

describe("on a terminal", () => {
  test("sudo asks for the password", async () => {
    machine(1000, "asks");
    const seat = sit(argv(), options());
    await seat.until("password: ");
    seat.type("secret\n");
    await seat.until(/password: [\s\S]*installing npm packages/);
    await seat.exited;
    expect(calls()).toBe(installs);
  });

  test("a sudo that then refuses: the exact command, exit 3", async () => {
    machine(1000, "refuses");
    const seat = sit(argv(), options());
    await seat.until("password: ");
    seat.type("secret\n");
    expect(await seat.exited).toBe(3);
    expect(seat.screen()).toContain("run: apt-get update && apt-get install -y bubblewrap  (as root)");
    expect(calls()).toBe("");
  });
});
