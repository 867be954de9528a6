// A host worth robbing: a home full of credentials, a BROKE_HOME, a neighbour's project, sockets to reach, and a workspace with traps in it.

import {
  chmodSync,
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
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { findSyscall, syscallNames } from "#sandbox/syscalls.ts";

export const CANARY = ["BROKE", "CANARY"] as const;
const canary = CANARY.join("-");

export type Bait = AsyncDisposable & {
  home: string;
  brokeHome: string;
  workspace: string;
  /** Names at the workspace's root. */
  laid: string[];
  /** What the probes must be told; the canary comes in halves, so that being told is not a leak. */
  told: Record<string, string>;
  /** The launcher's environment, with secrets in it. */
  env: Record<string, string>;
};

/** Calls the filters do not name (asm/unistd.h), x86_64 and aarch64. */
const OTHER_CALLS: Record<string, [number, number]> = {
  ...{ getpid: [39, 172], linkat: [265, 37], renameat2: [316, 276], setxattr: [188, 5], memfd_create: [319, 279] },
  pidfd_open: [434, 434],
  prctl: [157, 167],
};

function callNumbers(): Record<string, string> {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const listed = syscallNames.map((name) => [name, findSyscall(arch, name)] as const);
  const others = Object.entries(OTHER_CALLS).map(([name, pair]) => [name, pair[arch === "aarch64" ? 1 : 0]] as const);
  return Object.fromEntries(
    [...listed, ...others].flatMap(([name, number]) => (number === null ? [] : [[`NR_${name}`, String(number)]])),
  );
}

/** Waits on a datagram socket and on nothing else, under a name of its own. */
const DECOY = `use Socket; $0 = "probe-decoy"; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die; chmod 0777, $ARGV[0];
$| = 1; print "ready\\n"; sleep 600;`;

function chownAll(path: string, uid: number): void {
  if (lstatSync(path).isSymbolicLink()) return;
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) chownAll(join(path, name), uid);
}

async function listening(at: number | string, host = "127.0.0.1"): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // a probe that only connects is gone before it is answered
    socket.resume().end(`${canary}\n`); // unread bytes would keep it open
  });
  await new Promise<void>((resolve) =>
    typeof at === "number" ? server.listen(at, host, resolve) : server.listen(at, resolve),
  );
  return server;
}

const moreCreds = [
  ...[".config/gcloud/application_default_credentials.json", ".azure/accessTokens.json", ".kube/config"],
  ...[".docker/config.json", ".git-credentials", ".npmrc", ".pypirc", ".cargo/credentials.toml", ".claude.json"],
  ...[".codex/auth.json", ".gemini/oauth_creds.json", ".zsh_history", ".local/share/keyrings/login.keyring"],
  ...[".mozilla/p/logins.json", ".gnupg/private-keys-v1.d/key"],
];
export const PROBE_FILES = [
  "probes.sh",
  "probes-files.sh",
  "probes-kernel.sh",
  "probes-services.sh",
  "probes-theirs.sh",
  "probe.pl",
];

/** Lays the bait out, owned by `uid`. */
export async function layBait(uid: number): Promise<Bait> {
  const dir = mkdtempSync(join(tmpdir(), "broke-bait-"));
  const [home, workspace, brokeHome] = [join(dir, "host-home"), join(dir, "projects", "ws"), join(dir, "broke-home")];
  const put = (path: string, text = `${canary}\n`, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  const creds = [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", ".claude/.credentials.json"];
  for (const name of [...creds, ...moreCreds, ".bash_history", ".bashrc", ".profile"]) put(join(home, name));
  put(join(home, ".gitconfig"), `[credential]\n\thelper = "!printf 'username=x\\npassword=${canary}'"\n`);
  put(join(dir, "projects", "sibling", "secret.txt"));
  put(join(dir, "host-tmp", "other.txt"));
  for (const name of [".config/autostart", ".config/systemd/user"]) mkdirSync(join(home, name), { recursive: true });
  mkdirSync(workspace, { recursive: true });
  mkdirSync(brokeHome, { mode: 0o700 });
  put(join(brokeHome, ".env"), `ANTHROPIC_API_KEY=${canary}-key\n`, 0o600);
  put(join(workspace, ".claude", "settings.json"), "{}\n");
  put(join(workspace, ".env"), `KEY=${canary}\n`);
  put(join(workspace, "vendor", "sub", "file"), "x\n");
  put(join(workspace, "vendor", "sub", ".env.local"), `KEY=${canary}\n`);
  for (const repository of [workspace, join(workspace, "vendor", "sub")]) {
    const made = Bun.spawnSync(["git", "init", "-q", repository], { env: { PATH: "/usr/bin:/bin", HOME: dir } });
    if (!made.success) throw new Error(`git init failed: ${made.stderr.toString()}`);
  }
  symlinkSync(join(home, ".bashrc"), join(workspace, "link-out"));
  for (const name of PROBE_FILES) cpSync(join(import.meta.dir, name), join(workspace, name));
  chownAll(dir, uid);

  const abstract = basename(dir);
  const shared = `/dev/shm/${abstract}`;
  put(shared);
  chownSync(shared, uid, uid);
  const devSocket = join(workspace, "dev.sock");
  const [tcp, any, v6, ...others] = [
    await listening(0),
    await listening(0, "0.0.0.0"),
    await listening(0, "::1"),
    await listening(join(dir, "host.sock")),
    await listening(`\0${abstract}`),
    await listening(devSocket),
  ];
  chownSync(devSocket, uid, uid);
  chmodSync(join(dir, "host.sock"), 0o777);
  const portOf = (server: Server) => String((server.address() as { port: number }).port);
  const udp = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (on, _, port, from) => void on.send(canary, port, from) },
  });
  const decoy = Bun.spawn(["perl", "-e", DECOY, join(dir, "host.dgram")], {
    ...{ env: {}, uid, gid: uid, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] },
  });
  await decoy.stdout.getReader().read();
  const namespaces = ["pid", "net", "ipc", "uts", "mnt", "user", "cgroup"].map((name) =>
    readlinkSync(`/proc/self/ns/${name}`),
  );
  return {
    home,
    brokeHome,
    workspace,
    laid: readdirSync(workspace),
    told: {
      ...callNumbers(),
      HOST_HOME: home,
      HOST_TMP: join(dir, "host-tmp"),
      HOST_BROKE: brokeHome,
      SIBLING: join(dir, "projects", "sibling", "secret.txt"),
      HOST_PORT: portOf(tcp!),
      HOST_PORT6: portOf(v6!),
      HOST_PORT_ANY: portOf(any!),
      HOST_UDP: String(udp.port),
      HOST_DGRAM: join(dir, "host.dgram"),
      HOST_NAME: hostname(),
      HOST_SOCKET: join(dir, "host.sock"),
      HOST_ABSTRACT: abstract,
      HOST_NS: namespaces.join(" "),
      HOST_PID: String(decoy.pid),
      CANARY_A: CANARY[0],
      CANARY_B: `-${CANARY[1]}`,
      HERE: workspace,
      ORPHAN: `3${Math.floor(Math.random() * 1e6)}`,
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
      udp.close();
      for (const server of [tcp, any, v6, ...others]) await new Promise((resolve) => server!.close(resolve));
      rmSync(shared, { force: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
