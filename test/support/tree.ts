// A workspace with things around it, and a probe that says of each what a run could do with it, through the product's own launcher.

import { chownSync, lchownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, makeBench, type Ran } from "./broke.ts";

export const PLAIN_UID = 54_321;

/** Who can launch here: root as itself and, in a folder of theirs, as a plain user; else only whoever runs this. */
export const launchers =
  process.getuid!() === 0 ? (["root", "a plain user"] as const) : (["whoever runs this"] as const);

function own(path: string, uid: number): void {
  lchownSync(path, uid, uid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const full = join(path, entry.name);
    if (entry.isDirectory()) own(full, uid);
    else lchownSync(full, uid, uid);
  }
}

/** Files with these texts (`-> target` is a link), all below one folder; `ws` is the workspace. */
export function makeTree(
  launcher: string,
  files: Record<string, string>,
  where?: string,
): Bench & { base: string; ws: string } {
  const bench = makeBench(where);
  const base = bench.env["HOME"]!;
  const ws = join(base, "ws");
  mkdirSync(ws);
  for (const [path, text] of Object.entries(files)) {
    const full = join(base, path);
    mkdirSync(dirname(full), { recursive: true });
    if (text.startsWith("-> ")) symlinkSync(text.slice(3), full);
    else writeFileSync(full, text, { mode: 0o644 });
  }
  if (launcher === "a plain user") {
    own(base, PLAIN_UID);
    chownSync(base, PLAIN_UID, PLAIN_UID);
  }
  return { ...bench, base, ws };
}

const PROBE = `
said() { case "$1" in *ermission\\ denied*) echo EACCES;; *ead-only*) echo EROFS;; *o\\ such\\ file*|*nonexistent*) echo ENOENT;; *busy*) echo EBUSY;;
  *not\\ permitted*) echo EPERM;; *Is\\ a\\ directory*) echo EISDIR;; *) echo "?$1";; esac; }
act() { case "$1" in
  read) cat "$2";; list) ls "$2";; write) echo written >>"$2";; make) echo made >"$2";; move) mv "$2" "$2.moved";; mode) chmod 700 "$2";;
  remove) rm -r "$2";; esac; }
while [ $# -gt 1 ]; do
  if out=$( (act "$1" "$2") 2>&1 ); then echo "$1 $2=ok"; else echo "$1 $2=$(said "$out")"; fi
  shift 2
done`;

/** Tries each (`read ../data/f`) inside, in order. Paths are relative to the workspace and hold no blank. */
export async function probe(
  tree: { ws: string; broke: Bench["broke"] },
  flags: string[],
  tries: string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ ran: Ran; found: Record<string, string> }> {
  const words = tries.flatMap((each) => each.split(" "));
  const ran = await tree.broke(
    ["harness", "run", "--client", "exec", ...flags, "--", "sh", "-c", PROBE, "probe", ...words],
    {
      cwd: tree.ws,
      ...options,
    },
  );
  const lines = ran.stdout.split("\n").filter((line) => line !== "");
  return { ran, found: Object.fromEntries(lines.map((line) => line.split("=") as [string, string])) };
}
