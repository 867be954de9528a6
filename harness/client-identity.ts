// Which program a client really is: its file, whose it is, its version and its hash, for the ledger, and whether what runs inside could change it.
// Does not stop: a client that was bad before its first run; a script's package is known by its main file alone.

import { createHash } from "node:crypto";
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { readPrivate, writePrivate } from "#src/state/files.ts";
import { isWithin } from "#sandbox/protected.ts";

export type ClientIdentity = { path: string; version: string | null; sha256: string; bytes: number; owner: number };

const CHUNK_BYTES = 1024 * 1024;
const knownSchema = v.record(v.string(), v.object({ stamp: v.string(), sha256: v.string() }));

/** As the package it belongs to says, else as a folder named after it does; null when nothing tells. Nothing is run to find out. */
function versionOf(path: string): string | null {
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (!existsSync(file)) continue;
    const said = v.safeParse(v.object({ version: v.string() }), parseJson(readFileSync(file, "utf8")));
    if (said.success) return said.output.version;
  }
  return /\/versions\/(\d+\.\d+\.\d+[^/]*)/.exec(path)?.[1] ?? null;
}

function hashOf(fd: number): string {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let bytes = readSync(fd, chunk); bytes > 0; bytes = readSync(fd, chunk)) hash.update(chunk.subarray(0, bytes));
  return hash.digest("hex");
}

/** What was hashed before; a damaged file is as good as none. */
function readKnown(file: string): v.InferOutput<typeof knownSchema> {
  const parsed = v.safeParse(knownSchema, parseJson(readPrivate(file) ?? "{}"));
  return parsed.success ? parsed.output : {};
}

/**
 * Identifies the program at `path` (real, absolute). `cache` is a private file that remembers hashes by what lstat says of the file, because a client
 * may have hundreds of megabytes. Throws `missing` when it cannot be read.
 */
export function identifyClient(path: string, cache: string): ClientIdentity {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    throw new BrokeError("missing", `${path} cannot be read`, "install the client anew");
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    const stamp = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    const known = readKnown(cache);
    const kept = known[path]?.stamp === stamp ? known[path].sha256 : undefined;
    const sha256 = kept ?? hashOf(fd);
    if (kept === undefined) writePrivate(cache, JSON.stringify({ ...known, [path]: { stamp, sha256 } }));
    return { path, version: versionOf(path), sha256, bytes: Number(stat.size), owner: Number(stat.uid) };
  } finally {
    closeSync(fd);
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether the client could change its own program. `writable` are the folders it may write to; undefined: whatever its user may. */
export function canChange(path: string, writable: readonly string[] | undefined): boolean {
  if (writable === undefined) return canWrite(path) || canWrite(dirname(path));
  return writable.some((folder) => isWithin(folder, path));
}
