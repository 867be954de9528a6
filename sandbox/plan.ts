// What a run is allowed, turned into what bwrap is told: words, descriptors and the order for init. Pure: same input, same plan.
// Every word goes to bwrap through a descriptor and its environment is empty, because pid 1's argv and environ are readable inside.
// Does not stop: see sandbox/README.md for each profile's open sides.

import { join } from "node:path";
import type { StartOrder } from "./chain.ts";
import { clientFilter, listenerFilter, baseFilter } from "./filters.ts";
import type { HostFacts } from "./host.ts";
import {
  AGENT_HOME,
  type PlanFile,
  procWords,
  SANDBOX_HOST_NAME,
  scratchWords,
  sealWords,
  systemWords,
} from "./mounts.ts";
import type { Profile } from "./profile.ts";
import type { ProtectedPaths } from "./protected.ts";
import { type ShownPrograms, programWords, rulesOf } from "./run-programs.ts";
import type { RunRules } from "./run-rules.ts";
import { syscallNumber } from "./syscalls.ts";

/** A file or folder of the host that is shown inside. `source` has no symbolic link in it. */
export type Bind = { source: string; target: string; mode: "read" | "write" } | { link: string; target: string };

export type PlanInput = {
  profile: Profile;
  host: HostFacts;
  /** Absolute, without symbolic links; the same path inside and outside. */
  workspace: string;
  protect: ProtectedPaths;
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
const OWN_DIR = "/opt/broke";
/** Our own Bun where the root is allow-listed. */
export const INSIDE_BUN = `${OWN_DIR}/bun`;
const SANDBOX_UID = 1000;

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
export function insidePaths(input: Pick<PlanInput, "profile" | "home" | "shims" | "events" | "socketDir">): {
  home: string;
  shims: string;
  events: string;
  sockets: string;
} {
  if (input.profile.root === "allowlist") {
    return { home: AGENT_HOME, shims: SHIMS_DIR, events: EVENTS_PIPE, sockets: SOCKET_DIR };
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

function workspaceWords(input: PlanInput): { words: string[]; files: PlanFile[] } {
  const words: string[] = [];
  const files: PlanFile[] = [];
  const bind = (option: "--bind-fd" | "--ro-bind-fd", path: string, beneath: string | undefined) => {
    const target = beneath === undefined ? path : join(beneath, path);
    const token = `{path:${option}:${target}}`;
    files.push({ kind: "path", token, path, beneath });
    words.push(option, token, target);
  };
  const root = input.workspace;
  const { pins, files: names, dirs, missing, masked } = input.protect;
  bind("--bind-fd", root, undefined);
  for (const path of pins) bind("--bind-fd", path, root);
  for (const path of [...names, ...dirs, ...missing.map((item) => item.path)]) bind("--ro-bind-fd", path, root);
  for (const path of masked) words.push("--ro-bind", "/dev/null", join(root, path));
  return { words, files };
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

function rootWords(input: PlanInput): { words: string[]; files: PlanFile[] } {
  const { host } = input;
  const own: Bind[] = [
    { source: host.bun, target: INSIDE_BUN, mode: "read" },
    { source: host.sandboxDir, target: `${OWN_DIR}/sandbox`, mode: "read" },
  ];
  if (input.profile.root === "host") {
    const hidden = input.hidden.flatMap((path) => ["--tmpfs", path]);
    const binds = ownBinds(input).flatMap(bindWords);
    const seal = input.hidden.flatMap((path) => ["--remount-ro", path]);
    const shown = ["--bind", "/", "/", ...procWords(host), "--dev-bind", "/dev", "/dev"];
    return {
      words: [...shown, ...hidden, ...binds, ...seal, ...emptiedWords(input), ...programWords(input.programs)],
      files: [],
    };
  }
  const system = systemWords(host, input.ignored);
  const binds = [...own, ...input.tools, ...ownBinds(input)].flatMap(bindWords);
  const work = workspaceWords(input);
  return {
    words: [
      ...system.words,
      ...procWords(host),
      ...scratchWords(input.profile.tmpBytes),
      ...binds,
      ...work.words,
      ...emptiedWords(input),
      ...programWords(input.programs),
      ...sealWords(),
    ],
    files: [...system.files, ...work.files],
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
  const own = profile.root === "allowlist" ? OWN_DIR : undefined;
  const bun = own === undefined ? host.bun : INSIDE_BUN;
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
    seccomp: baseFilter(host.arch, { profile: profile.name }).bytes,
    run: rulesOf(input.programs),
    order: {
      kind: "start",
      argv: input.argv,
      env: input.env,
      cwd: input.workspace,
      umask: profile.umask,
      terminal: input.terminal,
      listenerFilter: Buffer.from(listenerFilter(host.arch).bytes).toString("base64"),
      clientFilter: profile.closeUnix ? Buffer.from(clientFilter(host.arch).bytes).toString("base64") : null,
      seccompCall: syscallNumber(host.arch, "seccomp"),
      limits: profile.limits,
      bridges: bridges(input),
    },
  };
}
