// Writes a run's tool shims: small POSIX sh programs first on PATH that say what is started, then become the real tool; how it ended the exec
// observer sees. Where the kernel does not tell it, a shim runs the tool instead and says that as well.
// What they say comes from inside the sandbox and is therefore a claim, never proof.
// Does not stop: anything; an absolute path goes past them.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shimmedTools } from "./tools.ts";

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** `events` is the pipe's path as the client sees it; `tellsEnds`: the observer learns how a tool ended. */
export type Shimming = { events: string; tellsEnds: boolean };

/**
 * Text of the shim for one tool. One printf is one write(2), atomic up to PIPE_BUF (4096), so long argument lists are announced as -1.
 * `1<>` opens the pipe for reading and writing and so never waits for a reader.
 */
export function shimText(tool: string, real: string, { events, tellsEnds }: Shimming): string {
  const run = tellsEnds
    ? `exec ${quote(real)} "$@"\n`
    : `${quote(real)} "$@"
c=$?
if [ -p "$e" ]; then printf '%s\\0' E "$$" "$c" 1<>"$e"; fi
exit "$c"
`;
  return `#!/bin/sh
e=${quote(events)}
if [ -p "$e" ]; then
  a="$*"
  if [ "\${#a}" -ge 3000 ]; then printf '%s\\0' B "$$" "$PWD" ${quote(tool)} -1 1<>"$e"
  else printf '%s\\0' B "$$" "$PWD" ${quote(tool)} "$#" "$@" 1<>"$e"; fi
fi
${run}`;
}

type Wanted = (path: string) => boolean;
const all: Wanted = () => true;

/** The text of every shim there is to be, by tool. */
function shimTexts(toolDirs: string[], shimming: Shimming, wanted: Wanted): Map<string, string> {
  const texts = new Map<string, string>();
  for (const tool of shimmedTools) {
    const real = toolDirs.map((dir) => join(dir, tool)).find((path) => existsSync(path));
    if (real !== undefined && wanted(real)) texts.set(tool, shimText(tool, real, shimming));
  }
  return texts;
}

/** Writes a shim for every listed tool found in `toolDirs`, if it is `wanted`. Returns the tools. */
export function installShims(folder: string, toolDirs: string[], shimming: Shimming, wanted: Wanted = all): string[] {
  mkdirSync(folder, { mode: 0o755 });
  const texts = shimTexts(toolDirs, shimming, wanted);
  for (const [tool, text] of texts) writeFileSync(join(folder, tool), text, { mode: 0o555, flag: "wx" });
  return [...texts.keys()];
}

/** Whether the folder holds exactly those shims, unchanged: they come before the real tools on the client's PATH. */
export function areShims(folder: string, toolDirs: string[], shimming: Shimming, wanted: Wanted = all): boolean {
  const texts = shimTexts(toolDirs, shimming, wanted);
  const there = readdirSync(folder, { withFileTypes: true });
  return (
    there.length === texts.size &&
    there.every((entry) => entry.isFile() && readFileSync(join(folder, entry.name), "utf8") === texts.get(entry.name))
  );
}
