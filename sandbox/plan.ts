// What a run is allowed, turned into what bwrap is told: words, descriptors and the order for init. Pure: same input, same plan.
// Every word goes to bwrap through a descriptor and its environment is empty, because pid 1's argv and environ are readable inside.
// Does not stop: see sandbox/README.md for each profile's open sides.

import { join } from "node:path";
import type { StartOrder } from "./chain.ts";
import { clientFilter, listenerFilter, baseFilter } from "./filters.ts";
import type { HostFacts } from "./host.ts";
import {
  AGENT_HOME,
  OPEN_ENV,
  openWords,
  type PlanFile,
  procWords,
  SANDBOX_HOST_NAME,
  scratchWords,
  sealWords,
  systemWords,
} from "./mounts.ts";
import type { Profile } from "./profile.ts";
import { isWithin, type ProtectedPaths } from "./protected.ts";
import { type ShownPrograms, programWords, rulesOf } from "./run-programs.ts";
import type { RunRules } from "./run-rules.ts";
import { type Check, isShown, type Shown, shownWords } from "./shown.ts";
import { syscallNumber } from "./syscalls.ts";

/** A file or folder of the host that is shown inside. `source` has no symbolic link in it. */
export type Bind = { source: string; target: string; mode: "read" | "write" } | { link: string; target: string };

export type PlanInput = {
  profile: Profile;
  host: HostFacts;
  /** Where the client works: the workspace's own path, absolute and without symbolic links. */
  workspace: string;
  /** What is shown there: the workspace itself, or a tree made from it. */
  tree: string;
  /** The tree must still be this `dev:ino`; left out: whatever stands there. */
  treeId?: string | undefined;
  /** Folders of objects that the tree's repository borrows, read-only and reached without a link. */
  objects: { source: string; target: string }[];
  protect: ProtectedPaths;
  /** What of the host's files is shown beside the system's and the workspace. */
  shown: Shown;
  /** Names git inside should not offer to commit (our placeholders). */
  ignored: string[];
  /** The run's own folders: client home (writable), what in it is regenerated (read-only, relative), tool shims, event pipe, socket folder. */
  home: string;
  homeReadOnly: string[];
  /** What is shown of the user's own client state, mounted over the home's. */
  homeState: Bind[];
  shims: string | undefined;
  events: string | undefined;
  socketDir: string | undefined;
  /** Client binaries and toolchains from elsewhere. */
  tools: Bind[];
  /** `BROKE_HOME`, hidden where the host's file system is shown. */
  hidden: string[];
  /** Folders of the workspace, relative, that are shown empty. */
  emptied: string[];
  /** Files of the workspace, relative, that are shown with other content, to be read only. */
  replaced?: readonly { path: string; bytes: Uint8Array }[] | undefined;
  /** What stands in words and variables for the gateway's port on loopback, and for the egress proxy's where the run has a network. */
  portMark: string;
  egressMark: string | undefined;
  /** Which programs there are for the client; left out: all that are shown. */
  programs?: ShownPrograms | undefined;
  argv: string[];
  env: Record<string, string>;
  terminal: boolean;
};

export type SandboxPlan = {
  words: string[];
  files: PlanFile[];
  /** What must still be the same file or folder when the sandbox is built. */
  checks: Check[];
  /** Files and folders of the host that are shown or covered: each must be reached by the sandbox itself. */
  places: string[];
  seccomp: Uint8Array;
  order: StartOrder;
  /** What the observer decides by. */
  run: RunRules;
};

export const SHIMS_DIR = "/run/broke/shims";
export const EVENTS_PIPE = "/run/broke/events";
export const SOCKET_DIR = "/run/broke/socket";
/** Names in the run's socket folder, and the loopback ports they have inside. */
export const GATEWAY = { socket: "gateway.sock", port: 4000 };
export const EGRESS = { socket: "egress.sock", port: 4001 };
/** Where our own Bun and code stand: below /opt, or where the host's files are shown, in the /run that is ours. */
const ownDir = ({ permission }: Pick<Shown, "permission">) => (permission.anyRead ? "/run/broke/own" : "/opt/broke");
const OPEN_HOME = "/run/broke/home";
/** Our own Bun where the root is allow-listed. */
export const insideBun = (shown: Pick<Shown, "permission">) => `${ownDir(shown)}/bun`;
const SANDBOX_UID = 1000;
const OWN_CODE_BYTES = 1024 ** 2;

function identityWords(input: PlanInput): string[] {
  const net = input.profile.ownNetwork ? ["--unshare-net"] : [];
  return [
    ...[
      "--unshare-user",
      "--disable-userns",
      "--unshare-pid",
      ...net,
      "--unshare-ipc",
      "--unshare-uts",
      "--unshare-cgroup-try",
    ],
    ...["--as-pid-1", "--uid", String(SANDBOX_UID), "--gid", String(SANDBOX_UID), "--hostname", SANDBOX_HOST_NAME],
    ...["--cap-drop", "ALL", "--die-with-parent", ...(input.terminal ? [] : ["--new-session"]), "--clearenv"],
    ...["--setenv", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "0"],
  ];
}

function bindWords(bind: Bind): string[] {
  if ("link" in bind) return ["--symlink", bind.link, bind.target];
  return [bind.mode === "write" ? "--bind" : "--ro-bind", bind.source, bind.target];
}

/** Where the run's own files stand inside: below /run/broke and /home/agent, or, with the host's root, at their own paths. */
export function insidePaths(input: Pick<PlanInput, "profile" | "shown" | "home" | "shims" | "events" | "socketDir">): {
  home: string;
  shims: string;
  events: string;
  sockets: string;
} {
  if (input.profile.root === "allowlist") {
    const home = input.shown.permission.anyRead ? OPEN_HOME : AGENT_HOME;
    return { home, shims: SHIMS_DIR, events: EVENTS_PIPE, sockets: SOCKET_DIR };
  }
  return {
    home: input.home,
    shims: input.shims ?? "",
    events: input.events ?? "",
    sockets: input.socketDir ?? "",
  };
}

function ownBinds(input: PlanInput): Bind[] {
  const inside = insidePaths(input);
  const binds: Bind[] = [{ source: input.home, target: inside.home, mode: "write" }];
  for (const name of input.homeReadOnly) {
    binds.push({ source: join(input.home, name), target: join(inside.home, name), mode: "read" });
  }
  binds.push(...input.homeState);
  if (input.shims !== undefined) binds.push({ source: input.shims, target: inside.shims, mode: "read" });
  if (input.events !== undefined) binds.push({ source: input.events, target: inside.events, mode: "write" });
  if (input.socketDir !== undefined) binds.push({ source: input.socketDir, target: inside.sockets, mode: "read" });
  return binds;
}

function replacedWords({ workspace, replaced = [] }: PlanInput): Pick<SandboxPlan, "words" | "files"> {
  const token = (path: string) => `{data:${join(workspace, path)}}`;
  return {
    words: replaced.flatMap(({ path }) => ["--ro-bind-data", token(path), join(workspace, path)]),
    files: replaced.map(({ path, bytes }) => ({ kind: "data", token: token(path), bytes })),
  };
}

function emptiedWords({ workspace, emptied }: PlanInput): string[] {
  return emptied.flatMap((name) => [
    "--size",
    "4096",
    "--tmpfs",
    join(workspace, name),
    "--remount-ro",
    join(workspace, name),
  ]);
}

function hostWords(input: PlanInput): string[] {
  const hidden = input.hidden.flatMap((path) => ["--tmpfs", path]);
  const seal = input.hidden.flatMap((path) => ["--remount-ro", path]);
  const shown = ["--bind", "/", "/", ...procWords(input.host), "--dev-bind", "/dev", "/dev"];
  return [
    ...shown,
    ...hidden,
    ...ownBinds(input).flatMap(bindWords),
    ...seal,
    ...replacedWords(input).words,
    ...emptiedWords(input),
    ...programWords(input.programs),
  ];
}

function inVarTmp({ workspace, shown: { permission } }: PlanInput): boolean {
  return [workspace, ...[...permission.read, ...permission.write].map(({ path }) => path)].some((path) =>
    isWithin("/var/tmp", path),
  );
}

function rootWords(input: PlanInput): Pick<SandboxPlan, "words" | "files" | "checks" | "places"> {
  const { host, shown } = input;
  if (input.profile.root === "host")
    return { words: hostWords(input), files: replacedWords(input).files, checks: [], places: [] };
  const { anyRead } = shown.permission;
  const anyWrite = shown.permission.anyWrite && !shown.permission.denyAllWrites;
  const own: Bind[] = [{ source: host.bun, target: insideBun(shown), mode: "read" }];
  const programs = (["init", "stage-two"] as const).map(
    (program) => ({ kind: "code", token: `{code:${program}}`, program }) as const,
  );
  const folder = `${ownDir(shown)}/sandbox`;
  // Not bound: Bun looks its program up by the file's own name, which a bound file of bwrap's has lost. In the root where that is ours and sealed.
  const written = programs.flatMap(({ token, program }) => [
    ...["--perms", "0444", "--file", token, `${folder}/${program}.ts`],
  ]);
  const code = anyRead
    ? ["--size", String(OWN_CODE_BYTES), "--tmpfs", folder, ...written, "--remount-ro", folder]
    : written;
  const denied = shown.permission.denyRead.map(({ path }) => path);
  const system = anyRead ? openWords(host, input.ignored, anyWrite, denied) : systemWords(host, input.ignored);
  const binds = [...own, ...input.tools, ...ownBinds(input)].flatMap(bindWords);
  const files = shownWords(input);
  const replaced = replacedWords(input);
  return {
    words: [
      ...system.words,
      ...procWords(host),
      ...scratchWords(input.profile.tmpBytes, anyRead ? "host" : inVarTmp(input) ? "folder" : "link"),
      ...code,
      ...binds,
      ...files.words,
      ...system.late,
      ...replaced.words,
      ...emptiedWords(input),
      ...programWords(input.programs),
      ...sealWords(anyWrite ? "write" : anyRead ? "read" : "own"),
    ],
    files: [...programs, ...system.files, ...files.files, ...replaced.files],
    checks: files.checks,
    places: files.places,
  };
}

/** A file that every BROKE_HOME has. */
const DATABASE = "broke.db";
/** As many protected names are tried: they are all made the same way. */
const MAX_TRIED = 64;

/** What is tried from within before the client starts. */
function probeOrder({ profile, host, workspace, protect, shown, hidden }: PlanInput): StartOrder["probes"] {
  const confined = profile.root === "allowlist";
  const held = confined ? [...protect.files, ...protect.dirs, ...protect.missing.map(({ path }) => path)] : [];
  const denied = [...shown.permission.denyWrite, ...shown.kept]
    .map(({ path }) => path)
    .filter((path) => isShown(shown, workspace, path));
  return {
    arch: host.arch,
    hidden: hidden.map((folder) => join(folder, DATABASE)),
    readOnly: [...held.map((path) => join(workspace, path)), ...denied].slice(0, MAX_TRIED),
    unreadable: confined ? shown.permission.denyRead.map(({ path }) => path).slice(0, MAX_TRIED) : [],
    decoyPort: profile.ownNetwork ? 0 : null,
    closedUnix: profile.closeUnix,
    closedPtrace: confined,
  };
}

/** What of the run's sockets is reached on loopback inside. In the host's own network any free port serves. */
function bridges(input: PlanInput): StartOrder["bridges"] {
  if (input.socketDir === undefined) return [];
  const { sockets } = insidePaths(input);
  const bridge = ({ socket, port }: typeof GATEWAY, mark: string) => ({
    port: input.profile.ownNetwork ? port : 0,
    socketPath: join(sockets, socket),
    mark,
  });
  const egress = input.egressMark === undefined ? [] : [bridge(EGRESS, input.egressMark)];
  return [bridge(GATEWAY, input.portMark), ...egress];
}

/** The plan for one launch. */
export function planSandbox(input: PlanInput): SandboxPlan {
  const { profile, host } = input;
  const root = rootWords(input);
  const own = profile.root === "allowlist" ? ownDir(input.shown) : undefined;
  const bun = own === undefined ? host.bun : insideBun(input.shown);
  const init = own === undefined ? join(host.sandboxDir, "init.ts") : `${own}/sandbox/init.ts`;
  return {
    words: [
      ...identityWords(input),
      ...root.words,
      "--chdir",
      "/",
      "--",
      bun,
      "--config=/dev/null",
      "--no-env-file",
      init,
    ],
    files: root.files,
    checks: root.checks,
    places: root.places,
    seccomp: baseFilter(host.arch, { profile: profile.name }).bytes,
    run: rulesOf(input.programs),
    order: {
      kind: "start",
      argv: input.argv,
      env: own !== undefined && input.shown.permission.anyRead ? { ...OPEN_ENV, ...input.env } : input.env,
      cwd: input.workspace,
      umask: profile.umask,
      terminal: input.terminal,
      listenerFilter: Buffer.from(listenerFilter(host.arch).bytes).toString("base64"),
      clientFilter: profile.closeUnix ? Buffer.from(clientFilter(host.arch).bytes).toString("base64") : null,
      seccompCall: syscallNumber(host.arch, "seccomp"),
      limits: profile.limits,
      bridges: bridges(input),
      probes: probeOrder(input),
    },
  };
}
