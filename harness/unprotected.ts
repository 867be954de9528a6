// By which ways a run could reach BROKE_HOME, and with it the keys and its own record, although it is hidden: found out before the launch, so that
// the ledger says of itself that it was not protected.
// Does not stop: ways nobody listed (a service of yours on some port or socket that reads files for whoever asks).

import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "#sandbox/profile.ts";
import { aliasesOf } from "#sandbox/mount-aliases.ts";
import type { FilePermission } from "#sandbox/path-permission.ts";
import { isWithin } from "#sandbox/protected.ts";
import type { Home } from "#src/state/paths.ts";

/** BROKE_HOME at every path it can be reached at, its own first. */
export function brokeHomes(root: string): string[] {
  return [root, ...aliasesOf(root, readFileSync("/proc/self/mountinfo", "utf8"))];
}

/** What starts programs outside for whoever may write to it, by a pattern of its last part. */
const MANAGERS: [string, RegExp, string][] = [
  ["/run/user/{uid}", /^bus$/, "the session bus"],
  ["/run/user/{uid}/systemd", /^private$/, "the user's service manager"],
  ["/run/systemd", /^private$/, "the system's service manager"],
  ["/run", /^docker\.sock$/, "Docker"],
  ["/run/user/{uid}", /^docker\.sock$/, "Docker"],
  ["/run/podman", /^podman\.sock$/, "Podman"],
  ["/run/user/{uid}/podman", /^podman\.sock$/, "Podman"],
  ["/run/containerd", /^containerd\.sock$/, "containerd"],
  ["/run/crio", /^crio\.sock$/, "CRI-O"],
  ["/var/snap/lxd/common/lxd", /^unix\.socket$/, "LXD"],
  ["/var/lib/lxd", /^unix\.socket$/, "LXD"],
  ["/run/libvirt", /^libvirt-sock$/, "libvirt"],
  ["/tmp/tmux-{uid}", /./, "tmux"],
  ["/run/screen/S-{user}", /./, "screen"],
  ["/run/user/{uid}/emacs", /./, "Emacs"],
  ["/tmp/.X11-unix", /^X\d+$/, "the X server"],
  ["/run/user/{uid}", /^wayland-\d+$/, "the Wayland compositor"],
];

/** Where the system looks for what to run. */
const SYSTEM = ["/etc", "/usr", "/lib", "/boot", "/root", "/var/spool"];

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Sockets in reach that would start programs in no sandbox, in words, each once. `root` is another root folder in tests. */
export function reachableManagers(env: Record<string, string | undefined>, uid: number, root = "/"): string[] {
  const found = MANAGERS.flatMap(([folder, name, words]) => {
    const path = join(root, folder.replace("{uid}", String(uid)).replace("{user}", env.USER ?? ""));
    const reached = namesIn(path)
      .filter((each) => name.test(each))
      .map((each) => join(path, each));
    return reached.some((each) => lstatSync(each, { throwIfNoEntry: false })?.isSocket() && mayWrite(each))
      ? [words]
      : [];
  });
  const agent = env.SSH_AUTH_SOCK;
  if (agent !== undefined && mayWrite(agent)) found.push("an SSH agent");
  return [...new Set(found)];
}

function linkedFiles(home: Home): number {
  const files = [home.env, home.database, home.clientToken, home.signingKey, home.audit];
  return files.filter((path) => (lstatSync(path, { throwIfNoEntry: false })?.nlink ?? 1) > 1).length;
}

/** Whether the device that holds a path can be read as such. */
function deviceReadable(path: string): boolean {
  const { dev } = statSync(path);
  return namesIn("/dev")
    .map((name) => join("/dev", name))
    .some((each) => {
      const stat = lstatSync(each, { throwIfNoEntry: false });
      if (stat?.isBlockDevice() !== true || stat.rdev !== dev) return false;
      try {
        accessSync(each, constants.R_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The ways that are open, in words; none: what is hidden stays hidden for as long as the run lasts. */
export function unprotectedBy(
  home: Home,
  profile: Profile,
  { anyWrite, write }: FilePermission,
  { env, uid }: { env: Record<string, string | undefined>; uid: number },
): string[] {
  const ways: string[] = [];
  const linked = linkedFiles(home);
  if (linked > 0) ways.push(`${linked} files in BROKE_HOME have other names (hard links)`);
  const system = write.some(({ path }) => SYSTEM.some((folder) => isWithin(folder, path) || isWithin(path, folder)));
  if (uid === 0 && (profile.root === "host" || anyWrite || system)) {
    ways.push("launched as root, it may write what the system runs by itself (cron, units)");
  }
  if (!profile.closeUnix) ways.push(...reachableManagers(env, uid).map((what) => `${what} can be reached`));
  if (profile.root === "host" && existsSync(home.root) && deviceReadable(home.root)) {
    ways.push("the disk that holds BROKE_HOME can be read as a device");
  }
  return ways;
}
