// A repository of a test's own.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Runs git as somebody without a configuration, and answers what it printed. Throws what it complained of. */
export function git(cwd: string, ...args: string[]): string {
  const identity = [
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@localhost",
    "-c",
    "safe.directory=*",
    "-c",
    "init.defaultBranch=main",
  ];
  const ran = Bun.spawnSync(["git", ...identity, ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent" },
  });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return ran.stdout.toString().trim();
}

/** Writes files, with the folders they lie in. */
export const put = (folder: string, files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};
