// Whether a sandbox can be built here at all, found out by building a small one from the same options. Fails closed with the remedy.
// Does not stop: a kernel that lies about what it unshared.

import { existsSync, readFileSync, statSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { isOwnView } from "./mount-table.ts";
import { SHIMS_DIR } from "./plan.ts";
import { BWRAP, runProbe } from "./spawn.ts";

export const INSTALL_HINT = "apt-get install -y bubblewrap (or `npm run demo` from the checkout), then try again";
const FEATURES = ["--disable-userns", "--bind-fd", "--seccomp", "--args", "--as-pid-1", "--size", "--perms", "--chmod"];
const PROBE = [
  ...["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
  ...["--as-pid-1", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--die-with-parent"],
  ...["--ro-bind", "/", "/", "--proc", "/proc", "--", "/usr/bin/true"],
];

function kernelSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return undefined; // the kernel has no such setting
  }
}

/** Why user namespaces are refused here, in words with the setting's name; undefined when no known setting forbids them. */
export function namespaceObstacle(
  read: (name: string) => string | undefined,
): { message: string; hint: string } | undefined {
  if (read("kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return {
      message: "AppArmor forbids unprivileged user namespaces (kernel.apparmor_restrict_unprivileged_userns=1)",
      hint: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give /usr/bin/bwrap an AppArmor profile that allows userns",
    };
  }
  if (read("kernel/unprivileged_userns_clone") === "0") {
    return {
      message: "unprivileged user namespaces are off (kernel.unprivileged_userns_clone=0)",
      hint: "sysctl -w kernel.unprivileged_userns_clone=1",
    };
  }
  if (read("user/max_user_namespaces") === "0") {
    return {
      message: "user namespaces are off (user.max_user_namespaces=0)",
      hint: "sysctl -w user.max_user_namespaces=10000",
    };
  }
  return undefined;
}

/** The same of this machine, as the kernel has it. */
export const namespaceRefusal = () => namespaceObstacle(kernelSetting);

/**
 * Whether a file of this owner is root's. In a view of our own (overlay.ts) only the user is mapped: there everybody else, root too, shows as the
 * overflow uid, and whoever entered it asked before.
 */
export function isRoots(uid: number, read: (path: string) => string = (path) => readFileSync(path, "latin1")): boolean {
  return uid === 0 || (uid === Number(read("/proc/sys/kernel/overflowuid")) && isOwnView(read));
}

const SETUID = 0o6000;

/**
 * Helpers are started by fixed path; each must be root's alone to change, or whoever can change it is let in. `setuid`: it may be that. Throws `missing`
 * or `denied`.
 */
export function requireHelper(path: string, remedy: string, { setuid = false } = {}): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new BrokeError("missing", `${path} is not installed`, remedy);
  if (!isRoots(stat.uid) || (stat.mode & (setuid ? 0o022 : SETUID | 0o022)) !== 0) {
    throw new BrokeError(
      "denied",
      `${path} is ${setuid ? "" : "setuid, or "}not root's alone to write`,
      "reinstall the distribution's package",
    );
  }
}

/** bwrap's version. Throws `missing` when it lacks an option that plans use. */
export function requireFeatures(): string {
  const help = runProbe([BWRAP, "--help"]).output;
  const lacking = FEATURES.filter((feature) => !help.includes(feature));
  if (lacking.length > 0) {
    throw new BrokeError(
      "missing",
      `${BWRAP} lacks ${lacking.join(", ")}`,
      "install bubblewrap 0.8.0-2+deb12u1, 0.10 or newer",
    );
  }
  return /\d+\.\d+\.\d+/.exec(runProbe([BWRAP, "--version"]).output)?.[0] ?? "of unknown version";
}

/** Throws `missing`, naming the setting that is in the way, when bwrap cannot build a sandbox. */
export function requireNamespaces(): void {
  if (runProbe([BWRAP, ...PROBE]).code === 0) return;
  const obstacle = namespaceRefusal();
  throw new BrokeError(
    "missing",
    obstacle?.message ?? "bubblewrap cannot build a sandbox on this machine",
    obstacle?.hint ??
      "in a container, allow user namespaces and a fresh /proc for it; bubblewrap --unshare-user must work",
  );
}

/** What the filters and the observer need of the kernel. Throws `missing`. */
export function requireFilters(): void {
  const actions = (kernelSetting("kernel/seccomp/actions_avail") ?? "").split(" ");
  const lacking = ["kill_process", "errno", "user_notif", "allow"].filter((action) => !actions.includes(action));
  if (lacking.length === 0) return;
  throw new BrokeError(
    "missing",
    `the kernel's seccomp lacks ${lacking.join(", ")}`,
    "use a kernel of 5.19 or newer with seccomp filters and user notification",
  );
}

/** Throws `missing` where this is a sandbox of a run: nothing in it is root's, and no second one can be built there. */
function requireOutside(): void {
  if (!existsSync(SHIMS_DIR)) return;
  throw new BrokeError(
    "missing",
    "this is the sandbox of a run already, and none can be built in one",
    "start it outside",
  );
}

/** Throws `missing` or `denied`, naming the cause and the remedy, unless a sandbox can be built. */
export function requireSandbox(): void {
  requireOutside();
  requireHelper(BWRAP, INSTALL_HINT);
  requireFeatures();
  requireFilters();
  requireNamespaces();
}
