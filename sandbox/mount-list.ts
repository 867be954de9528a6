// A plan's words read back as a list of mounts: what `explain` shows is what bwrap is told, and cannot be anything else. Pure.

import type { SandboxPlan } from "./plan.ts";

/**
 * What stands at a path inside. `closed`: there, and for nobody to open; `masked`: a device in place of a file; `empty`: an empty folder;
 * `ours`: a file, or a folder with files, of broke's own making.
 */
export type MountKind = "read" | "write" | "closed" | "masked" | "empty" | "ours" | "link" | "kernel";
export type Mount = { path: string; kind: MountKind; from: string | null };

/** How many words an option takes (bwrap(1)). */
const ARITY: Record<string, number> = {
  ...{ "--bind": 2, "--ro-bind": 2, "--dev-bind": 2, "--bind-fd": 2, "--ro-bind-fd": 2, "--ro-bind-data": 2 },
  ...{ "--file": 2 },
  ...{ "--symlink": 2, "--setenv": 2, "--proc": 1, "--dev": 1, "--tmpfs": 1, "--dir": 1, "--remount-ro": 1 },
  ...{ "--size": 1, "--perms": 1, "--uid": 1, "--gid": 1, "--hostname": 1, "--cap-drop": 1, "--chdir": 1 },
  ...{ "--unshare-user": 0, "--disable-userns": 0, "--unshare-pid": 0, "--unshare-net": 0, "--unshare-ipc": 0 },
  ...{ "--unshare-uts": 0, "--unshare-cgroup-try": 0, "--as-pid-1": 0, "--die-with-parent": 0, "--new-session": 0 },
  ...{ "--clearenv": 0 },
};

/** The mounts in the order they are made; a later one covers an earlier one at the same path and below. Throws on an option it does not know. */
export function readMounts({ words, files }: Pick<SandboxPlan, "words" | "files">): Mount[] {
  const sources = new Map(files.map((file) => [file.token, file]));
  const mounts: Mount[] = [];
  let perms = "";
  for (let at = 0; words[at] !== "--";) {
    const option = words[at]!;
    const arity = ARITY[option];
    if (arity === undefined) throw new Error(`${option} is not an option a plan has`);
    const [first = "", second = ""] = words.slice(at + 1, at + 1 + arity);
    at += 1 + arity;
    if (option === "--perms") perms = first;
    else if (option !== "--size") {
      const mount = mountOf(option, first, second, perms);
      if (mount !== undefined) mounts.push({ ...mount, from: sourceOf(sources.get(first), first, arity) });
      if (option === "--remount-ro") reseal(mounts, first);
      if (option === "--file") furnish(mounts, second);
      perms = "";
    }
  }
  return mounts;
}

function mountOf(option: string, first: string, second: string, perms: string): Omit<Mount, "from"> | undefined {
  switch (option) {
    case "--bind":
    case "--dev-bind":
    case "--bind-fd":
      return { path: second, kind: "write" };
    case "--ro-bind":
      return { path: second, kind: first === "/dev/null" ? "masked" : "read" };
    case "--ro-bind-fd":
      return { path: second, kind: "read" };
    case "--ro-bind-data":
      return { path: second, kind: perms === "000" ? "closed" : "ours" };
    case "--symlink":
      return { path: second, kind: "link" };
    case "--proc":
    case "--dev":
      return { path: first, kind: "kernel" };
    case "--tmpfs":
      return { path: first, kind: perms === "000" ? "closed" : "write" };
    default:
      return undefined;
  }
}

/** A folder of ours that gets a file of ours. */
function furnish(mounts: Mount[], path: string): void {
  const folder = mounts.findLast((mount) => mount.path === path.slice(0, path.lastIndexOf("/")));
  if (folder?.kind === "write" && folder.from === null) folder.kind = "ours";
}

/** A folder of ours that is sealed is empty, or has only what was put into it. */
function reseal(mounts: Mount[], path: string): void {
  const last = mounts.findLast((mount) => mount.path === path);
  if (last?.kind === "write") last.kind = last.from === null ? "empty" : "read";
}

function sourceOf(file: SandboxPlan["files"][number] | undefined, first: string, arity: number): string | null {
  if (arity < 2) return null;
  if (file === undefined) return first;
  if (file.kind !== "path") return null;
  return file.beneath === undefined ? file.path : `${file.beneath}/${file.path}`;
}
