// Puts an app on a socket: TCP on 127.0.0.1 for the daemon, and where else it is told to; a Unix socket in a private folder for a run. No idle limit of our own: a
// reasoning model may be silent for minutes.

import { unlinkSync } from "node:fs";
import { takenPort } from "#src/core/system-errors.ts";
import { MAX_BODY_BYTES } from "./body.ts";
import { plainly } from "./plain-path.ts";

export type Listening = {
  /** The real port; undefined on a Unix socket. */
  port: number | undefined;
  /** Stops accepting; lets answers in flight end when `graceful`, cuts them otherwise. */
  stop(graceful: boolean): Promise<void>;
};

/** `host`: another address than 127.0.0.1. */
type Address = { kind: "unix"; path: string } | { kind: "tcp"; port: number; host?: string };
/** `server` is told to the app, which asks it who a request comes from. */
type App = { fetch(request: Request): Response | Promise<Response>; server?: unknown };

// Beyond this Bun answers by itself, without a body; up to it we say what is wrong.
const HARD_BODY_LIMIT = MAX_BODY_BYTES * 2;

/** Serves the app. Throws `busy` when the port is taken. */
export function listen(app: App, address: Address): Listening {
  const common = {
    ...plainly((request) => app.fetch(request)),
    maxRequestBodySize: HARD_BODY_LIMIT,
    development: false,
  } as const;
  if (address.kind === "unix") {
    // A file left by a crash would make the bind fail; the folder is ours alone.
    try {
      unlinkSync(address.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    // Bun honours the idle limit on Unix sockets too (10 s if unset), though its types deny it.
    const options = { ...common, unix: address.path, idleTimeout: 0 } as unknown as Parameters<typeof Bun.serve>[0];
    const server = Bun.serve(options);
    return { port: undefined, stop: (graceful) => server.stop(!graceful) };
  }
  const hostname = address.host ?? "127.0.0.1";
  try {
    const server = Bun.serve({ ...common, hostname, port: address.port, idleTimeout: 0 });
    app.server = server;
    return { port: server.port, stop: (graceful) => server.stop(!graceful) };
  } catch {
    throw takenPort(address.port, hostname, address.host !== undefined);
  }
}
