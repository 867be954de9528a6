// A host worth robbing: a home full of credentials, a BROKE_HOME, a neighbour's project, sockets to reach, and a workspace with traps in it.

import {
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { syscallNumber, type SyscallName } from "#sandbox/syscalls.ts";

export const CANARY = ["BROKE", "CANARY"] as const;
const canary = CANARY.join("-");

export type Bait = AsyncDisposable & {
  home: string;
  brokeHome: string;
  workspace: string;
  /** What the probes must be told; the canary comes in halves, so that being told is not a leak. */
  told: Record<string, string>;
  /** The launcher's environment, with secrets in it. */
  env: Record<string, string>;
};

const CALLS: SyscallName[] = [
  ...([
    "ioctl",
    "add_key",
    "keyctl",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
  ] as const),
  ...([
    "open_by_handle_at",
    "pidfd_getfd",
    "process_vm_readv",
    "ptrace",
    "kcmp",
    "mount",
    "fsopen",
    "open_tree",
  ] as const),
  ...(["pivot_root", "kexec_load", "init_module", "finit_module", "swapon", "reboot", "unshare", "setns"] as const),
  ...([
    "fanotify_init",
    "name_to_handle_at",
    "clone3",
    "personality",
    "acct",
    "quotactl",
    "syslog",
    "openat2",
  ] as const),
];

function callNumbers(): Record<string, string> {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const numbers = CALLS.map((name) => [`NR_${name}`, String(syscallNumber(arch, name))]);
  return { ...Object.fromEntries(numbers), NR_getpid: arch === "aarch64" ? "172" : "39" };
}

function chownAll(path: string, uid: number): void {
  if (lstatSync(path).isSymbolicLink()) return;
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) chownAll(join(path, name), uid);
}

async function listening(at: number | string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // a probe that only connects is gone before it is answered
    socket.resume().end(`${canary}\n`); // unread bytes would keep it open
  });
  await new Promise<void>((resolve) =>
    typeof at === "number" ? server.listen(at, "127.0.0.1", resolve) : server.listen(at, resolve),
  );
  return server;
}

/** Lays the bait out, owned by `uid`. */
export async function layBait(uid: number): Promise<Bait> {
  const dir = mkdtempSync(join(tmpdir(), "broke-bait-"));
  const [home, workspace, brokeHome] = [join(dir, "host-home"), join(dir, "projects", "ws"), join(dir, "broke-home")];
  const put = (path: string, text = `${canary}\n`, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  const creds = [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", ".claude/.credentials.json"];
  for (const name of [...creds, ".bash_history", ".bashrc"]) put(join(home, name));
  put(join(dir, "projects", "sibling", "secret.txt"));
  put(join(dir, "host-tmp", "other.txt"));
  mkdirSync(workspace, { recursive: true });
  mkdirSync(brokeHome, { mode: 0o700 });
  put(join(brokeHome, ".env"), `ANTHROPIC_API_KEY=${canary}-key\n`, 0o600);
  put(join(workspace, ".claude", "settings.json"), "{}\n");
  put(join(workspace, ".env"), `KEY=${canary}\n`);
  put(join(workspace, "vendor", "sub", "file"), "x\n");
  for (const repository of [workspace, join(workspace, "vendor", "sub")]) {
    const made = Bun.spawnSync(["git", "init", "-q", repository], { env: { PATH: "/usr/bin:/bin", HOME: dir } });
    if (!made.success) throw new Error(`git init failed: ${made.stderr.toString()}`);
  }
  symlinkSync(join(home, ".bashrc"), join(workspace, "link-out"));
  for (const name of ["probes.sh", "probe.pl"]) cpSync(join(import.meta.dir, name), join(workspace, name));
  chownAll(dir, uid);

  const abstract = `broke-bait-${process.pid}-${uid}`;
  const servers = [await listening(0), await listening(join(dir, "host.sock")), await listening(`\0${abstract}`)];
  const decoy = Bun.spawn(["/bin/sh", "-c", "exec -a probe-decoy sleep 600 2>/dev/null || exec sleep 600"], {
    env: {},
  });
  const namespaces = ["pid", "net", "ipc", "uts", "mnt", "user", "cgroup"].map((name) =>
    readlinkSync(`/proc/self/ns/${name}`),
  );
  const port = (servers[0]!.address() as { port: number }).port;
  return {
    home,
    brokeHome,
    workspace,
    told: {
      ...callNumbers(),
      HOST_HOME: home,
      HOST_TMP: join(dir, "host-tmp"),
      HOST_BROKE: brokeHome,
      SIBLING: join(dir, "projects", "sibling", "secret.txt"),
      HOST_PORT: String(port),
      HOST_SOCKET: join(dir, "host.sock"),
      HOST_ABSTRACT: abstract,
      HOST_NS: namespaces.join(" "),
      HOST_PID: String(decoy.pid),
      CANARY_A: CANARY[0],
      CANARY_B: `-${CANARY[1]}`,
      HERE: workspace,
    },
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: home,
      BROKE_HOME: brokeHome,
      AWS_SECRET_ACCESS_KEY: `${canary}-aws`,
      GITHUB_TOKEN: `${canary}-github`,
      OPENAI_API_KEY: `${canary}-openai`,
      SSH_AUTH_SOCK: join(dir, "host.sock"),
      ORDINARY: `${canary}-ordinary`,
    },
    async [Symbol.asyncDispose]() {
      decoy.kill();
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
