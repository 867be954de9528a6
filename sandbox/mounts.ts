// The system part of a sandbox's file system, as bwrap words: what of /usr, /etc, /proc and /dev a client needs, and nothing else.
// Pure; facts about the host come in. Order matters: later mounts cover earlier ones.
// Does not stop: reading what is public in /usr and in the parts of /proc that no mask names (meminfo, stat, cpuinfo, version).

import type { HostFacts } from "./host.ts";
import type { OwnProgram } from "./own-code.ts";
import { SHM_BYTES } from "./limits.ts";
import { isWithin } from "./protected.ts";

/** A descriptor the plan needs; its `token` stands in the words where the number goes. `id`: the `dev:ino` it must still be. */
export type PlanFile =
  | { kind: "data"; token: string; bytes: Uint8Array }
  /** A program of ours (`own-code.ts`). */
  | { kind: "code"; token: string; program: OwnProgram }
  /** A file of the system that is read while the root is built. */
  | { kind: "copy"; token: string; path: string }
  | { kind: "path"; token: string; path: string; beneath: string | undefined; id?: string };

export const ETC_PATHS = [
  "ssl",
  "ca-certificates",
  "pki",
  "alternatives",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "terminfo",
  "mime.types",
  "protocols",
  "services",
  "bash.bashrc",
  // Programs of /usr that do not start, or not as they should, without what the system says of them here.
  ...["os-release", "fonts", "chromium.d", "perl", "magic", "inputrc"],
  ...[8, 11, 17, 21, 25].map((version) => `java-${version}-openjdk`),
].map((name) => `/etc/${name}`);

/** Keys in those, which root and a group or two may read: whoever launches may be in it. */
export const ETC_PRIVATE = ["/etc/ssl/private", "/etc/pki/tls/private", "/etc/pki/CA/private"];

export const MERGED_DIRS = ["/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"];

/** Files of the host's /etc that ours stand for, and folders that are emptied, where the host's root is shown. */
export const OPEN_CANDIDATES = [
  ...["passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "profile"].map((name) => `/etc/${name}`),
  "/sys",
];

/** Kernel views that only root or nobody should see; masked with /dev/null where the host has them. */
export const PROC_MASKED = [
  "kcore",
  "keys",
  "key-users",
  "kallsyms",
  "kpagecount",
  "kpageflags",
  "kpagecgroup",
  "timer_list",
  "sched_debug",
  "modules",
  "config.gz",
  "cmdline",
  "interrupts",
  "slabinfo",
  "vmallocinfo",
].map((name) => `/proc/${name}`);
export const PROC_READ_ONLY = ["sys", "mtrr", "irq", "bus", "sysrq-trigger"].map((name) => `/proc/${name}`);
export const PROC_EMPTIED = ["acpi", "scsi", "fs", "driver", "pressure"].map((name) => `/proc/${name}`);

export const AGENT_HOME = "/home/agent";
export const SANDBOX_HOST_NAME = "broke";

const MIB = 1024 ** 2;
const RUN_USER_BYTES = MIB;

const syntheticEtc: Record<string, string> = {
  "/etc/passwd":
    "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "/etc/group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
  "/etc/hosts": "127.0.0.1 localhost broke\n::1 localhost\n",
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "/etc/resolv.conf": "",
  // Debian's own sets PATH anew, and with it the tool shims would be gone from every login shell.
  "/etc/profile": "# PATH stays as it was given.\n",
  "/etc/gitconfig":
    "[core]\n\texcludesFile = /etc/gitexclude\n[safe]\n\tdirectory = *\n[user]\n\tname = agent\n\temail = agent@localhost\n",
};

/** Git's settings where the host's /etc is shown, which has no room for files of ours. */
const OPEN_GIT = { config: "/run/broke/gitconfig", exclude: "/run/broke/gitexclude" };
export const OPEN_ENV = { GIT_CONFIG_SYSTEM: OPEN_GIT.config };

/** `late` comes after everything that is shown of the host's: a folder that is held in its place would cover it. */
type System = { words: string[]; late: string[]; files: PlanFile[] };

/** The host's own files, but for /run and /sys, which are empty; the identity files are ours where it has such and nobody is to read them. */
export function openWords(host: HostFacts, ignored: string[], writable: boolean, denied: string[]): System {
  const words = [writable ? "--bind" : "--ro-bind", "/", "/", "--tmpfs", "/run"];
  if (host.present.has("/sys")) words.push("--size", "4096", "--tmpfs", "/sys", "--remount-ro", "/sys");
  const { "/etc/gitconfig": gitconfig = "", ...identity } = syntheticEtc;
  const shown = Object.entries(identity).filter(([path]) => host.present.has(path) && !denied.includes(path));
  const files: PlanFile[] = [];
  const late: string[] = [];
  for (const [path, text] of [
    ...shown,
    [OPEN_GIT.config, gitconfig.replace("/etc/gitexclude", OPEN_GIT.exclude)] as const,
    [OPEN_GIT.exclude, ignored.map((name) => `${name}\n`).join("")] as const,
  ]) {
    const token = `{data:${path}}`;
    files.push({ kind: "data", token, bytes: new TextEncoder().encode(text) });
    late.push("--ro-bind-data", token, path);
  }
  return { words, late, files };
}

/** A file in the root that is built, which is sealed as a whole: a mount more takes 0.2 ms, and longer the more there are (bwrap reads all of them each time). */
const fileWords = (token: string, path: string) => ["--perms", "0444", "--file", token, path];

function localtimeWords({ localtime }: HostFacts): string[] {
  if (localtime === undefined) return [];
  return isWithin("/usr", localtime)
    ? ["--symlink", localtime, "/etc/localtime"]
    : ["--ro-bind", localtime, "/etc/localtime"];
}

/** /usr, /etc, and the synthetic identity files, in a root of our own. `ignored` names what git inside should not see (our placeholders). */
export function systemWords(host: HostFacts, ignored: string[]): System {
  const words = ["--ro-bind", "/usr", "/usr"];
  for (const dir of MERGED_DIRS) {
    const kind = host.mergedDirs[dir];
    if (kind?.kind === "link") words.push("--symlink", kind.target, dir);
    else if (kind?.kind === "directory") words.push("--ro-bind", dir, dir);
  }
  const files: PlanFile[] = [];
  for (const path of ETC_PATHS) {
    if (host.copied.has(path)) {
      const token = `{copy:${path}}`;
      files.push({ kind: "copy", token, path });
      words.push(...fileWords(token, path));
    } else if (host.present.has(path)) words.push("--ro-bind", path, path);
  }
  for (const path of ETC_PRIVATE) {
    if (host.present.has(path)) words.push("--perms", "000", "--size", "4096", "--tmpfs", path, "--remount-ro", path);
  }
  words.push(...localtimeWords(host));
  const etc = { ...syntheticEtc, "/etc/gitexclude": ignored.map((name) => `${name}\n`).join("") };
  for (const [path, text] of Object.entries(etc)) {
    const token = `{data:${path}}`;
    files.push({ kind: "data", token, bytes: new TextEncoder().encode(text) });
    words.push(...fileWords(token, path));
  }
  return { words, late: [], files };
}

/** A fresh /proc without a writable or leaking knob. */
export function procWords(host: HostFacts): string[] {
  const words = ["--proc", "/proc"];
  for (const path of PROC_READ_ONLY) if (host.present.has(path)) words.push("--ro-bind", path, path);
  for (const path of PROC_MASKED) if (host.present.has(path)) words.push("--ro-bind", "/dev/null", path);
  for (const path of PROC_EMPTIED) {
    if (host.present.has(path)) words.push("--size", "4096", "--tmpfs", path, "--remount-ro", path);
  }
  return words;
}

/**
 * /dev with bounded shared memory, /tmp of this size, and /var/tmp: a link to it, or a folder of its own where something of the host's is shown in
 * it (bwrap would follow the link out of the root it builds), or the host's.
 */
export function scratchWords(tmpBytes: number, varTmp: "link" | "folder" | "host"): string[] {
  const varTmpWords = {
    link: ["--dir", "/var", "--symlink", "/tmp", "/var/tmp"],
    folder: ["--size", String(tmpBytes), "--perms", "1777", "--tmpfs", "/var/tmp"],
    host: [],
  };
  return [
    ...["--dev", "/dev", "--size", String(SHM_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--size", String(tmpBytes), "--perms", "1777", "--tmpfs", "/tmp", ...varTmpWords[varTmp]],
  ];
}

/** The last words: nothing that is still writable by accident stays so. */
export function sealWords(root: "own" | "read" | "write"): string[] {
  return [
    ...["--size", String(RUN_USER_BYTES), "--tmpfs", "/run/user", "--remount-ro", "/run/user"],
    ...(root === "own" ? [] : ["--remount-ro", "/run"]),
    ...(root === "write" ? [] : ["--remount-ro", "/"]),
  ];
}
