// The sandboxes one would take instead, as commands: Anthropic's sandbox-runtime, installed here in a scratch folder by npm at a pinned version, and
// `codex sandbox` from the development dependency. sandbox-runtime needs socat and ripgrep from Debian: where they are not installed their packages
// are fetched by apt-get and unpacked in the scratch folder.

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "#test/support/broke.ts";

const SRT = "0.0.83";
/** Not in /tmp, where codex makes no helper. */
const SCRATCH = "/var/tmp/broke-bench-peers";

/** `argv` runs a command in the workspace, which it may write, without a network, with as much of the host hidden as the settings can say. */
export type Peer = { name: string; argv(command: string[]): string[]; env: Record<string, string> };

function run(argv: string[], cwd: string): void {
  const ran = Bun.spawnSync(argv, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  if (ran.exitCode !== 0) throw new Error(`${argv[0]} failed: ${ran.stderr.toString()}`);
}

/** Programs that Debian has and this machine has not, unpacked, each behind a script that finds its libraries. */
function unpack(packages: string[], programs: string[]): string {
  const bin = join(SCRATCH, "bin");
  if (existsSync(bin)) return bin;
  mkdirSync(join(SCRATCH, "deb"), { recursive: true });
  run(["apt-get", "download", ...packages], SCRATCH);
  for (const name of readdirSync(SCRATCH).filter((each) => each.endsWith(".deb"))) {
    run(["dpkg", "-x", name, "deb"], SCRATCH);
  }
  mkdirSync(bin);
  const libraries = readdirSync(join(SCRATCH, "deb", "usr", "lib"), { withFileTypes: true });
  const path = libraries.filter((entry) => entry.isDirectory()).map(({ name }) => join(SCRATCH, "deb/usr/lib", name));
  for (const name of programs) {
    const text = `#!/bin/sh\nLD_LIBRARY_PATH=${path.join(":")} exec ${join(SCRATCH, "deb/usr/bin", name)} "$@"\n`;
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

function sandboxRuntime(hidden: string[]): Peer {
  const folder = join(SCRATCH, "srt");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "node_modules", ".bin", "srt");
  if (!existsSync(program)) {
    writeFileSync(join(folder, "package.json"), "{}");
    run(["npm", "install", "--no-audit", "--no-fund", `@anthropic-ai/sandbox-runtime@${SRT}`], folder);
  }
  const here = ["socat", "rg"].every((name) => Bun.which(name) !== null);
  const bin = here ? "" : `${unpack(["socat", "ripgrep", "libwrap0"], ["socat", "rg"])}:`;
  const settings = join(SCRATCH, `srt-${hidden.length === 0 ? "plain" : "hidden"}.json`);
  const filesystem = { denyRead: hidden, allowWrite: ["."], denyWrite: [] };
  writeFileSync(settings, JSON.stringify({ network: { allowedDomains: [], deniedDomains: [] }, filesystem }));
  return {
    name: `sandbox-runtime ${SRT}`,
    argv: (command) => [program, "--settings", settings, "--", ...command],
    env: { PATH: `${bin}${process.env["PATH"]}` },
  };
}

function codexSandbox(uid: number): Peer {
  const home = join(SCRATCH, `codex-home-${uid}`);
  mkdirSync(home, { recursive: true });
  chownSync(home, uid, uid);
  const vendor = join(ROOT, "node_modules/@openai", `codex-linux-${process.arch}`, "vendor");
  const program = join(vendor, readdirSync(vendor)[0]!, "bin", "codex");
  const version = Bun.spawnSync([program, "--version"]).stdout.toString().trim().split(" ").at(-1);
  return {
    name: `codex sandbox ${version}`,
    argv: (command) => [program, "sandbox", "-P", ":workspace", "--", ...command],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", CODEX_HOME: home },
  };
}

/** Both, installed, for this user. `hidden` are folders that must not be read, for the one that can be told. */
export function peers(uid: number, hidden: string[] = []): Peer[] {
  return [sandboxRuntime(hidden), codexSandbox(uid)];
}
