// Launched as root in somebody's folder, the whole launch becomes that somebody: supervisor, gateway and sandbox. What root needs no
// longer, nothing can abuse.
// Does not stop: root's own workspace being worked on as root; then no capability is kept and /proc/sys is read-only. Nor that user from reading
// root's environment, provider keys in it too, in the process that became theirs (never from inside the sandbox).

import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";

/** `name` and `home` are null for an id without an account: files from another machine, mounted into a container. */
export type Owner = { uid: number; gid: number; home: string | null; name: string | null };

const SETPRIV = "/usr/bin/setpriv";

/** The passwd entry of a uid. Undefined when there is none. */
export function ownerOf(uid: number, passwd: string): Owner | undefined {
  for (const line of passwd.split("\n")) {
    const [name, , id, group, , home] = line.split(":");
    if (Number(id) === uid && name && home) return { uid, gid: Number(group), home, name };
  }
  return undefined;
}

/** Arguments for setpriv that become `owner` for good and keep nothing of root's. */
export function dropArguments(owner: Owner, command: string[]): string[] {
  const groups = owner.name === null ? "--clear-groups" : "--init-groups";
  const ids = ["--reuid", String(owner.uid), "--regid", String(owner.gid), groups];
  return [SETPRIV, ...ids, "--inh-caps=-all", "--bounding-set=-all", "--", ...command];
}

/** This very command once more. */
export function ownCommand(): string[] {
  const root = join(dirname(new URL(import.meta.url).pathname), "..");
  const main = join(root, "src", "main.ts");
  return [process.execPath, "--config=/dev/null", "--no-env-file", main, ...process.argv.slice(2)];
}

/**
 * Does nothing unless this is root in a folder owned by somebody else. Then replaces this process by itself as that user (never
 * returns), with that user's HOME and, unless BROKE_HOME is set, that user's own state. Throws `denied` when that cannot be.
 */
export function dropToOwner(workspace: string, env: Record<string, string | undefined>): void {
  if (process.getuid!() !== 0) return;
  const { uid, gid } = statSync(realpathSync(workspace));
  if (uid === 0) return;
  const owner = ownerOf(uid, readFileSync("/etc/passwd", "utf8")) ?? { uid, gid, home: null, name: null };
  if (owner.home === null && !env.BROKE_HOME) {
    throw new BrokeError(
      "denied",
      `the workspace belongs to uid ${uid}, which has no account here and so no home for its state`,
      "set BROKE_HOME to a folder of that user",
    );
  }
  for (const tool of [SETPRIV, process.execPath]) accessSync(tool, constants.X_OK);
  const command = ownCommand();
  const name = owner.name ?? String(uid);
  const variables = { ...env, HOME: owner.home ?? "/nonexistent", USER: name, LOGNAME: name };
  const [file = SETPRIV, ...args] = dropArguments(owner, command);
  const clean = Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  process.execve!(file, [file, ...args], clean);
}
