// The TCP gateway as a process: in the foreground until it is told to stop, and how others find, wait for and end it.

import { closeSync, constants, openSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { BrokeError } from "#src/core/errors.ts";
import type { Home } from "#src/state/paths.ts";
import { listen } from "./listen.ts";
import { dropOwner, type Owner, readOwner, startTicks, writeOwner } from "./ownership.ts";
import type { GatewayDeps } from "./ports.ts";
import type { Exposure } from "./remote.ts";
import { tcpApp } from "./tcp-app.ts";

/** What 127.0.0.1 is part of. */
const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const POLL_MS = 20;
const START_TIMEOUT_MS = 15_000;
/** A process that hangs takes connections all the same. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Answers in flight may end before the process is cut. */
const STOP_GRACE_MS = 10_000;

/**
 * Serves until SIGTERM or SIGINT; answers in flight may finish. `lock` takes an exclusive lock on a descriptor: two daemons for one home
 * would fight over the ownership file. Throws `busy` when one runs already.
 */
export async function serveForeground(
  home: Home,
  deps: GatewayDeps,
  token: string,
  version: string,
  { port, exposure }: { port: number; exposure: Exposure | undefined },
  lock: (fd: number) => boolean,
  onReady: (port: number) => void,
): Promise<void> {
  const fd = openSync(
    join(home.live, "gateway.lock"),
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    if (!lock(fd))
      throw new BrokeError("busy", "a gateway runs already for this BROKE_HOME", "`broke status` says where");
    const app = tcpApp(deps, () => token, version, exposure);
    const wide = exposure !== undefined && EVERYWHERE.has(exposure.host) ? exposure.host : undefined;
    const listening = listen(app, { kind: "tcp", port, ...(wide === undefined ? {} : { host: wide }) });
    const all = [listening];
    if (exposure !== undefined && wide === undefined)
      all.push(listen(app, { kind: "tcp", port: listening.port!, host: exposure.host }));
    const asked = Promise.withResolvers<void>();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => asked.resolve());
    writeOwner(home, listening.port!, exposure);
    onReady(listening.port!);
    await asked.promise;
    dropOwner(home);
    const grace = setTimeout(() => void all.map((one) => one.stop(false)), STOP_GRACE_MS);
    await Promise.all(all.map((one) => one.stop(true)));
    clearTimeout(grace);
    await deps.limits.flush();
    deps.requests.flush();
  } finally {
    closeSync(fd);
  }
}

async function until<T>(
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs: number,
): Promise<T | undefined> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await Bun.sleep(POLL_MS)) {
    const value = await check();
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What the daemon answers to a GET, whole, whatever HTTP_PROXY says, which fetch would go by. Throws `missing` where it does not in time. */
export async function askGateway(
  owner: Owner,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const { get } = await import("node:http");
  const answered = Promise.withResolvers<IncomingMessage>();
  const to = { host: "127.0.0.1", port: owner.port, path: `/${path}`, agent: false } as const;
  try {
    get({ ...to, headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }, answered.resolve).on(
      "error",
      answered.reject,
    );
    const reply = await answered.promise;
    return { status: reply.statusCode ?? 0, text: await text(reply) };
  } catch {
    throw new BrokeError(
      "missing",
      `the gateway (pid ${owner.pid}) does not answer`,
      "`broke restart` ends it and starts another",
    );
  }
}

/** Whether the daemon answers; `live` is its process, `ready` its routing. */
export async function probeGateway(owner: Owner): Promise<{ live: boolean; ready: boolean }> {
  const ask = async (path: string) => {
    try {
      return (await askGateway(owner, `health/${path}`)).status === 200;
    } catch {
      return false; // silence is an answer
    }
  };
  const [live, ready] = await Promise.all([ask("liveliness"), ask("readiness")]);
  return { live, ready };
}

/** Waits until a started daemon answers. Throws `missing` when it died or stays silent. */
export async function awaitStart(home: Home, child: { exitCode: number | null; pid: number }): Promise<Owner> {
  const owner = await until(async () => {
    if (child.exitCode !== null) return "dead" as const;
    const found = readOwner(home);
    return found?.pid === child.pid && (await probeGateway(found)).live ? found : undefined;
  }, START_TIMEOUT_MS);
  if (owner === undefined || owner === "dead") {
    throw new BrokeError("missing", "the gateway did not start", `see ${join(home.root, "gateway.log")}`);
  }
  return owner;
}

/** Asks the daemon to end and waits for it; kills it when it will not. False when none runs. */
export async function stopGateway(home: Home): Promise<boolean> {
  const owner = readOwner(home);
  if (owner === undefined) return false;
  const gone = () => (startTicks(owner.pid) === owner.startTicks ? undefined : true);
  process.kill(owner.pid, "SIGTERM");
  if (await until(gone, STOP_GRACE_MS + START_TIMEOUT_MS)) return true;
  if (gone() === undefined) process.kill(owner.pid, "SIGKILL");
  return (await until(gone, START_TIMEOUT_MS)) ?? false;
}
