// What is built and installed to measure with: a real C library by its own build system (libgit2 0.28, as an npm package carries it; wants cmake), the worst
// there is for an observer (many C files of three lines each), and an npm project whose packages lie in a cache beside it.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const SMALL_FILES = 220;
const CARRIER = "nodegit@0.27.0";
/** What it needs of the system left out, so that every one of its files is compiled anywhere. */
const OPTIONS = {
  ...{ CMAKE_BUILD_TYPE: "Release", USE_HTTPS: "OFF", USE_SSH: "OFF", USE_NTLMCLIENT: "OFF", USE_GSSAPI: "OFF" },
  ...{ USE_ICONV: "OFF", USE_BUNDLED_ZLIB: "ON", REGEX_BACKEND: "builtin", BUILD_CLAR: "OFF", BUILD_EXAMPLES: "ON" },
};

function must(argv: string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} exited with ${exitCode}: ${stderr.toString()}`);
  return stdout.toString();
}

/** The library below `where`, configured; the folder that `make` is called in. */
export function makeLibrary(where: string): string {
  must(["npm", "pack", "--silent", CARRIER], where);
  const [archive] = readdirSync(where).filter((name) => name.endsWith(".tgz"));
  must(["tar", "xzf", archive!, "package/vendor/libgit2"], where);
  const source = join(where, "package/vendor/libgit2");
  const build = join(source, "build");
  const options = Object.entries(OPTIONS).map(([name, value]) => `-D${name}=${value}`);
  must(["cmake", "-S", source, "-B", build, "-Wno-dev", ...options], where);
  return build;
}

/** Many small C files with a Makefile; its folder. */
export function makeSmallFiles(where: string): string {
  const project = join(where, "small");
  mkdirSync(join(project, "src"), { recursive: true });
  const body = (at: number) =>
    `#include <stdio.h>\n#include <string.h>\nint f${at}(int n) { char b[64]; snprintf(b, sizeof b, "%d", n + ${at}); return (int)strlen(b); }\n`;
  for (let at = 0; at < SMALL_FILES; at++) writeFileSync(join(project, "src", `f${at}.c`), body(at));
  writeFileSync(
    join(project, "Makefile"),
    `all: $(patsubst src/%.c,build/%.o,$(wildcard src/*.c))\nbuild/%.o: src/%.c\n\t@mkdir -p build\n\t$(CC) -O1 -c -o $@ $<\n`,
  );
  return project;
}

/** An npm project with its packages in `./cache`; its folder. */
export function makeNpmProject(where: string): string {
  const project = join(where, "npm");
  mkdirSync(project);
  const dependencies = { express: "4.21.2", semver: "7.6.3", yargs: "17.7.2" };
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "b", version: "1.0.0", private: true, dependencies }),
  );
  // The registry of whoever measures, because the cache is kept by its name and what runs later has another home.
  writeFileSync(join(project, ".npmrc"), `registry=${must(["npm", "config", "get", "registry"], project).trim()}\n`);
  must(
    ["npm", "install", "--omit-lockfile-registry-resolved=false", "--no-audit", "--no-fund", "--cache", "./cache"],
    project,
  );
  return project;
}
