// Puts an app on a socket: TCP on 127.0.0.1 for the daemon, a Unix socket in a private folder for a run. No idle limit of our own: a
// reasoning model may be silent for minutes.

import { unlinkSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { createApp, MAX_BODY_BYTES, type Surface } from "./app.ts";
import type { GatewayDeps } from "./ports.ts";

export type Listening = {
  /** The real port; undefined on a Unix socket. */
  port: number | undefined;
  /** Stops accepting; lets answers in flight end when `graceful`, cuts them otherwise. */
  stop(graceful: boolean): Promise<void>;
};

type Address = { kind: "unix"; path: string } | { kind: "tcp"; port: number };

/** Serves the app. Throws `busy` when the port is taken. */
export function listen(deps: GatewayDeps, surface: Surface, address: Address): Listening {
  const app = createApp(deps, surface);
  const handler = (request: Request) => app.fetch(request);
  const common = { fetch: handler, maxRequestBodySize: MAX_BODY_BYTES, development: false } as const;
  if (address.kind === "unix") {
    // A file left by a crash would make the bind fail; the folder is ours alone.
    try {
      unlinkSync(address.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const server = Bun.serve({ ...common, unix: address.path });
    return { port: undefined, stop: (graceful) => server.stop(!graceful) };
  }
  try {
    const server = Bun.serve({ ...common, hostname: "127.0.0.1", port: address.port, idleTimeout: 0 });
    return { port: server.port, stop: (graceful) => server.stop(!graceful) };
  } catch {
    throw new BrokeError(
      "busy",
      `port ${address.port} on 127.0.0.1 is taken`,
      "stop what holds it, or choose another with --port",
    );
  }
}
