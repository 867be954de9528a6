// Runs the hostile probes: in a sandbox through the product's own launcher, and where nothing holds them, so that each is seen to notice.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { type Bait, CANARY } from "./bait.ts";

export const PLAIN_UID = 54_321;
const root = process.getuid!() === 0;
const asPlain = ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"];

/** Who launches: root as itself, a plain user, root in a folder of a user's (which makes it that user). */
export const identities = root
  ? [
      { name: "root", uid: 0, as: [] as string[] },
      { name: "a plain user", uid: PLAIN_UID, as: asPlain },
      { name: "root in a user's workspace", uid: PLAIN_UID, as: [] as string[] },
    ]
  : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

/** What each probe printed: "ok", or its verdict and what it found. */
export type Probed = { code: number; stderr: string; results: Map<string, string> };

async function run(argv: string[], bait: Bait, env: Record<string, string>): Promise<Probed> {
  const child = Bun.spawn(argv, { cwd: bait.workspace, env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stderr, results: parse(out) };
}

/** What probes printed, by id. */
export function parse(out: string): Map<string, string> {
  const results = new Map<string, string>();
  for (const line of out.split(/\r?\n/)) {
    const [id, verdict, found] = line.split("\t");
    if (verdict === "ok" || verdict === "breach" || verdict === "error") {
      results.set(id!, verdict === "ok" ? "ok" : `${verdict}: ${found}`);
    }
  }
  return results;
}

/** Those that got through, with what they found. */
export const through = ({ results }: Probed): Record<string, string> =>
  Object.fromEntries([...results].filter(([, verdict]) => verdict !== "ok"));

const exportsOf = (told: Record<string, string>) =>
  `export ${Object.entries(told)
    .map(([key, value]) => `${key}='${value}'`)
    .join(" ")}`;
/** The command line that tries the probes. */
export const script = (bait: Bait, told: Record<string, string> = {}) =>
  `${exportsOf({ ...bait.told, ...told })}; . "$HERE/probes.sh"`;

/** In a sandbox of the product's. */
export function runProbes(bait: Bait, as: string[], profile: string, flags: string[] = []): Promise<Probed> {
  const words = [
    "harness",
    "run",
    "--client",
    "exec",
    "--sandbox",
    profile,
    ...flags,
    "--",
    "bash",
    "-c",
    script(bait),
  ];
  return run([...as, LAUNCHER, ...words], bait, bait.env);
}

/** A gateway that lets everything in: what the probes of the real one must notice. */
function startLaxGateway(): Bun.TCPSocketListener {
  return Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      data(socket, bytes) {
        const upgrade = bytes.toString("latin1").includes("Upgrade:");
        const status = upgrade ? "101 Switching Protocols" : "200 OK";
        socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"admin":true}`);
      },
    },
  });
}

/** What a client's environment would be if nothing were kept out of it. */
function openEnvironment(bait: Bait, gateway: Bun.TCPSocketListener): Record<string, string> {
  const url = `http://127.0.0.1:${gateway.port}`;
  const extra = { HOME: bait.workspace, ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: "token", CC_SECRET: "x" };
  return { ...bait.env, ...extra, USER: bait.told["HOST_USER"] ?? "" };
}

export type Control = "outside" | "terminal" | "bare" | "sham";

/** What only a run of the product would have put into BROKE_HOME. */
function age({ brokeHome }: Bait): void {
  mkdirSync(join(brokeHome, "runs", "run_1"), { recursive: true });
  for (const name of ["broke.db", "ledger.key", "client-token"]) writeFileSync(join(brokeHome, name), CANARY.join("-"));
  Bun.spawnSync(["chown", "-R", "--reference", join(brokeHome, ".env"), brokeHome]);
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
// Something that was left open, which a client must not inherit.
const LEFT_OPEN = 'exec 9< "$HOST_HOME/.bashrc"';

/** The command of each control, given the line that tries the probes. */
const commands: Record<Control, (line: string) => string[]> = {
  /** No sandbox, as a plain user. */
  outside: (line) => [...asPlainHere, "bash", "-c", line],
  /** The same on a terminal. */
  terminal: (line) => [...asPlainHere, "script", "-qefc", `stty -echo; bash -c ${quoted(line)}`, "/dev/null"],
  /** A namespace of processes whose first one is bubblewrap's, and one filter more below it than it has itself. */
  bare: (line) => {
    const filtered = `perl "$HERE/probe.pl" filtered "$NR_prctl" "$NR_seccomp" bash -c ${quoted(line)}`;
    const shown = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc"];
    return [
      ...asPlainHere,
      "/usr/bin/bwrap",
      "--unshare-pid",
      ...shown,
      "bash",
      "-c",
      `${line.split("; .")[0]}; ${filtered}; true`,
    ];
  },
  /** As root in namespaces in which a richer host is put up. */
  sham: (line) => [
    "unshare",
    "--mount",
    "--net",
    "bash",
    "-c",
    line.replace("; .", `; . "${import.meta.dir}/sham.sh"; .`),
  ],
};
const asPlainHere = root ? asPlain : [];

/** Tries probes where nothing holds them. Only those of which it is known that they do no harm there. */
export async function runControl(control: Control, bait: Bait, only: string[]): Promise<Probed> {
  age(bait);
  const gateway = startLaxGateway();
  const more = control === "sham" ? { SHIM: "/run/broke/shims/git", NS_TARGET: String(process.pid) } : {};
  const line = script(bait, { ONLY: only.join(" "), ...more }).replace("; .", `; ${LEFT_OPEN}; .`);
  try {
    return await run(commands[control](line), bait, openEnvironment(bait, gateway));
  } finally {
    gateway.stop(true);
  }
}
