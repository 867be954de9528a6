// A session that one process answers a prompt in, held against another that would too, and the way to tell that process to cancel: a socket beside those
// of the runs, 0600, for this user outside every sandbox.
// Does not stop: a server that an editor has the session open in; it holds none.

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isOperator } from "#harness/supervision/control.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Home } from "#src/state/paths.ts";
import { isSessionId } from "./schema.ts";

const CANCEL = "cancel\n";

function socketOf({ live }: Pick<Home, "live">, session: string): string {
  if (!isSessionId(session)) throw new BrokeError("usage", "not a session's id", "`new-session` prints one");
  return join(live, `${session}.sock`);
}

/** Whether somebody holds it; `say` is told them. */
async function reach(path: string, say: string): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  await Bun.connect({
    unix: path,
    socket: {
      open: (socket) => void socket.end(say),
      data() {},
      close: () => over.resolve(true),
      error: () => over.resolve(true),
    },
  }).catch(() => over.resolve(false));
  return over.promise;
}

/** Holds it until it is disposed of; `onCancel` when somebody says so. Throws `busy` where another holds it. */
export async function holdSession(
  home: Pick<Home, "live">,
  session: string,
  onCancel: () => void,
): Promise<Disposable> {
  const path = socketOf(home, session);
  if (await reach(path, "")) throw new BrokeError("busy", "a prompt is going on in this session", "`cancel` ends it");
  rmSync(path, { force: true });
  const server = Bun.listen<string>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = "";
        if (!isOperator((socket as unknown as { fd: number }).fd)) socket.terminate();
      },
      data(socket, bytes) {
        socket.data = (socket.data + Buffer.from(bytes).toString("latin1")).slice(0, CANCEL.length);
        if (socket.data === CANCEL) onCancel();
      },
      error() {},
    },
  });
  chmodSync(path, 0o600);
  return {
    [Symbol.dispose]() {
      server.stop();
      rmSync(path, { force: true });
    },
  };
}

/** Tells whoever holds it to cancel; false: nobody does. */
export const cancelHeld = (home: Pick<Home, "live">, session: string): Promise<boolean> =>
  reach(socketOf(home, session), CANCEL);
