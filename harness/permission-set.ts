// The permission set a launch names: the operator's from BROKE_HOME, or the project's from the workspace, which only narrows the operator's and is
// read only while it is, byte for byte, what the operator trusted. The bytes that are hashed are the bytes that are parsed.
// Does not stop: an operator from trusting what they did not read.

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { readPrivate } from "#src/state/files.ts";
import type { Home } from "#src/state/paths.ts";
import type { TrustStore } from "#src/state/trust.ts";
import { limitsOf } from "#sandbox/limits.ts";
import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { narrowSet, parsePermissionSets, type PermissionSet } from "#sandbox/permission-sets.ts";

export const SET_FILE = "broke.toml";
export const DEFAULT_SET = "default";
const MAX_BYTES = 64 * 1024;

export type ProjectFile = { text: string; hash: string };

/** The project's file; undefined when there is none. Throws `config` when it is a link, no plain file, or too long. */
export function readProjectFile(folder: string): ProjectFile | undefined {
  const wrong = new BrokeError("config", `${SET_FILE} here is not a plain file of at most 64 KiB`, "replace it");
  let fd: number;
  try {
    fd = openSync(join(folder, SET_FILE), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw wrong;
  }
  try {
    if (!fstatSync(fd).isFile()) throw wrong;
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > MAX_BYTES) throw wrong;
    const content = bytes.subarray(0, length);
    return { text: content.toString("utf8"), hash: createHash("sha256").update(content).digest("hex") };
  } finally {
    closeSync(fd);
  }
}

/** `bounds`: flags that must allow a thing too. `note`: what the operator should know. */
export type NamedSet = PermissionSet & { bounds: PermissionFlags | null; note: string | undefined };

/** The project's file if it may be read. Throws `denied` when it was trusted once and is not what it was. */
export function trustedFile(folder: string, trust: TrustStore): { file: ProjectFile | undefined; there: boolean } {
  const trusted = trust.get(folder);
  const file = readProjectFile(folder);
  if (trusted !== undefined && file?.hash !== trusted) {
    throw new BrokeError(
      "denied",
      `${SET_FILE} here is not what you trusted: it narrowed what is allowed, and does so no more`,
      `look at it, then \`broke sandbox trust\`, or \`broke sandbox trust --forget\``,
    );
  }
  return { file: trusted === undefined ? undefined : file, there: file !== undefined };
}

/** The project's sets if they may be read. */
function trustedSets(
  folder: string,
  trust: TrustStore,
): { sets: Map<string, PermissionSet> | undefined; there: boolean } {
  const { file, there } = trustedFile(folder, trust);
  return { sets: file && parsePermissionSets(file.text, `${SET_FILE} here`), there };
}

/** What sets there are to name in a launch from this folder, in words. Throws as reading them for a launch would. */
export function tellPermissionSets(home: Home, trust: TrustStore, folder: string): string {
  const own = [...parsePermissionSets(readPrivate(home.permissions) ?? "", home.permissions).keys()];
  const { sets, there } = trustedSets(folder, trust);
  const here = sets === undefined ? [] : [`trusted here: ${[...sets.keys()].join(", ")}`];
  const unread = there && sets === undefined ? [`${SET_FILE} here is not trusted and is not read`] : [];
  return [own.length === 0 ? "none of yours" : `yours: ${own.join(", ")}`, ...here, ...unread].join("; ");
}

/**
 * The set of that name. A project's lies within the operator's of the same name, else within the operator's `default`. Throws `usage` when there
 * is none, or the operator has none to lay it in, `denied` when the project's file is not what was trusted.
 */
export function findPermissionSet(
  name: string,
  {
    home,
    trust,
    folder,
    terminal,
    memoryBytes,
  }: {
    home: Home;
    trust: TrustStore;
    folder: string;
    terminal: boolean;
    memoryBytes: number;
  },
): NamedSet {
  const own = parsePermissionSets(readPrivate(home.permissions) ?? "", home.permissions);
  const { sets, there } = trustedSets(folder, trust);
  const project = sets?.get(name);
  if (project !== undefined) {
    const outer = own.get(name) ?? own.get(DEFAULT_SET);
    if (outer === undefined) {
      throw new BrokeError(
        "usage",
        "a project's set only narrows one of yours, and you have none of that name and no default",
        `write [permissions.${name}] into ${home.permissions}`,
      );
    }
    const limits = limitsOf(outer.profile ?? "strict", outer.limits, { memoryBytes, terminal });
    return { ...narrowSet(project, outer, limits), note: undefined };
  }
  const set = own.get(name);
  if (set === undefined) {
    const guess = nearest(name, [...own.keys(), ...(sets?.keys() ?? [])]);
    const untrusted = there && sets === undefined ? "; `broke sandbox trust` lets the one here be read" : "";
    throw new BrokeError(
      "usage",
      "there is no permission set of that name",
      guess === undefined ? `sets are [permissions.NAME] in ${home.permissions}${untrusted}` : `did you mean ${guess}?`,
    );
  }
  const unread = there && sets === undefined;
  return { ...set, bounds: null, note: unread ? `${SET_FILE} here is not trusted and was not read` : undefined };
}
