// Writes a run's tool shims: small POSIX sh programs first on PATH that say what is started and how it ended, then run the real tool.
// What they say comes from inside the sandbox and is therefore a claim, never proof.
// Does not stop: anything; an absolute path goes past them.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shimmedTools } from "./tools.ts";

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Text of the shim for one tool. One printf is one write(2), atomic up to PIPE_BUF (4096), so long argument lists are announced as -1.
 * `1<>` opens the pipe for reading and writing and so never waits for a reader.
 */
export function shimText(tool: string, real: string, events: string): string {
  return `#!/bin/sh
e=${quote(events)}
if [ -p "$e" ]; then
  a="$*"
  if [ "\${#a}" -ge 3000 ]; then printf '%s\\0' B "$$" "$PWD" ${quote(tool)} -1 1<>"$e"
  else printf '%s\\0' B "$$" "$PWD" ${quote(tool)} "$#" "$@" 1<>"$e"; fi
fi
${quote(real)} "$@"
c=$?
if [ -p "$e" ]; then printf '%s\\0' E "$$" "$c" 1<>"$e"; fi
exit "$c"
`;
}

/**
 * Writes a shim for every listed tool found in `toolDirs`, if it is `wanted`; `events` is the pipe's path as the client sees it. Returns the
 * tools.
 */
export function installShims(
  folder: string,
  toolDirs: string[],
  events: string,
  wanted: (path: string) => boolean = () => true,
): string[] {
  mkdirSync(folder, { mode: 0o755 });
  const installed: string[] = [];
  for (const tool of shimmedTools) {
    const real = toolDirs.map((dir) => join(dir, tool)).find((path) => existsSync(path));
    if (real === undefined || !wanted(real)) continue;
    writeFileSync(join(folder, tool), shimText(tool, real, events), { mode: 0o555, flag: "wx" });
    installed.push(tool);
  }
  return installed;
}
