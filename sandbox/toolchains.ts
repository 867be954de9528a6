// Programs that live outside /usr and are shown inside all the same, read-only: the client's binary, and node when it comes from nvm or
// another prefix. Only the files needed are bound, never the folder above them, which may hold a person's secrets.
// Does not stop: reading those binaries.

import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  closeSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { Bind } from "./plan.ts";

const CLIENTS_DIR = "/opt/broke/clients";

/** Finds an executable by name in a list of folders; the real path, links resolved. A folder we may not look into does not have it. */
export function findExecutable(name: string, folders: string[]): string | undefined {
  for (const folder of folders) {
    try {
      const path = realpathSync(join(folder, name));
      accessSync(path, constants.X_OK | constants.R_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not there, or not for us.
    }
  }
  return undefined;
}

function interpreterLine(path: string): string | undefined {
  const fd = openSync(path, "r");
  const head = Buffer.alloc(256);
  const bytes = readSync(fd, head);
  closeSync(fd);
  const line = head.subarray(0, bytes).toString("latin1").split("\n")[0]!;
  return line.startsWith("#!") ? line.slice(2).trim() : undefined;
}

/** The installed package a script belongs to: below a `node_modules`, so never a folder of the person's own, home least of all. */
function packageFolder(path: string): string {
  for (let dir = dirname(path); dir !== "/"; dir = dirname(dir)) {
    if (/\/node_modules\/(@[^/]+\/)?[^/]+$/.test(dir) && existsSync(join(dir, "package.json"))) return dir;
  }
  throw new BrokeError(
    "missing",
    "the client is a script outside any installed package",
    "install it with npm or natively",
  );
}

/** Where a client's binary stands inside, and what must be bound for it. A native binary is one file, or `folder` when it needs that; a script brings its package. */
export function clientBinds(name: string, realPath: string, folder?: string): { command: string; binds: Bind[] } {
  if (realPath.startsWith("/usr/")) return { command: realPath, binds: [] };
  if (folder !== undefined) {
    const target = join(CLIENTS_DIR, name);
    return { command: join(target, relative(folder, realPath)), binds: [{ source: folder, target, mode: "read" }] };
  }
  if (interpreterLine(realPath) === undefined) {
    const command = join(CLIENTS_DIR, name);
    return { command, binds: [{ source: realPath, target: command, mode: "read" }] };
  }
  const home = packageFolder(realPath);
  return { command: realPath, binds: [{ source: home, target: home, mode: "read" }] };
}

/** Binds for node's own prefix when it is not below /usr: each binary, each link, and the packages the links lead to. */
export function nodeBinds(folders: string[]): { binds: Bind[]; pathDirs: string[] } {
  const node = findExecutable("node", folders);
  if (node === undefined || node.startsWith("/usr/")) return { binds: [], pathDirs: [] };
  const bin = dirname(node);
  const prefix = dirname(bin);
  const binds: Bind[] = [];
  const packages = new Set<string>();
  for (const name of readdirSync(bin)) {
    const path = join(bin, name);
    if (!lstatSync(path).isSymbolicLink()) {
      if (basename(path) === "node") binds.push({ source: path, target: path, mode: "read" });
      continue;
    }
    const link = readlinkSync(path);
    const match = /^(lib\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(resolve(bin, link).slice(prefix.length + 1));
    if (match === null) continue;
    packages.add(join(prefix, match[1]!));
    binds.push({ link, target: path });
  }
  // A link of `npm link` whose package is gone leads nowhere inside either.
  for (const folder of packages) {
    if (existsSync(folder)) binds.push({ source: realpathSync(folder), target: folder, mode: "read" });
  }
  return { binds, pathDirs: [bin] };
}
