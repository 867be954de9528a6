// The run's own socket, on which its operator interrupts, resumes, kills and watches it: in BROKE_HOME, 0600, for processes of the same user outside
// every sandbox only (SO_PEERCRED, and the peer's pid namespace). Asks nothing, decides nothing: it carries a word to the supervisor.
// Does not stop: another process of the same user outside the sandbox; that one is the operator.

import { chmodSync, readFileSync, rmSync } from "node:fs";
import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { hostArch } from "#sandbox/host.ts";
import { peerOf } from "#sandbox/peer.ts";
import type { OutputTap, Viewing } from "./output.ts";
import { MAX_LINE_BYTES, type Reply, type Request, requestSchema } from "./wire.ts";

const MAX_CONNECTIONS = 16;

export type Control = Disposable;
export type ControlOptions = {
  path: string;
  /** Does what is asked for. */
  act(request: Request): Promise<Reply>;
  output: OutputTap;
  /** Somebody was not listened to. */
  onRefused(why: string): void;
  /** Somebody who looked in has gone. */
  onDetached(why: string): void;
};

type Peer = { text: string; asked: boolean; reply: Buffer; viewing: Viewing | undefined };

/**
 * In how many pid namespaces a process is, of those from ours on: whoever is to be seen from here is in ours, or below it. (Which one it is,
 * /proc says only to who may trace it, and that a supervisor in a view of its own may not.)
 */
function depthOf(pid: string): number {
  const ids = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (ids === undefined) throw new Error("the kernel does not say");
  return ids.trim().split(/\s+/).length;
}

/** Whether whoever is at the other end is the operator: this user, in the supervisor's own pid namespace, which no process of a sandbox is in. */
export function isOperator(fd: number): boolean {
  try {
    const { pid, uid } = peerOf(fd, hostArch());
    return uid === process.getuid!() && depthOf(String(pid)) === depthOf("self");
  } catch {
    return false;
  }
}

function readRequest(line: string): Request | undefined {
  try {
    return v.parse(requestSchema, parseJson(line)).act;
  } catch {
    return undefined;
  }
}

/** Opens the socket. What stood there, of a run of the same number that is over, goes. */
export function openControl({ path, act, output, onRefused, onDetached }: ControlOptions): Control {
  rmSync(path, { force: true });
  let open = 0;
  const server = Bun.listen<Peer>({
    unix: path,
    socket: {
      open(socket) {
        open += 1;
        socket.data = { text: "", asked: false, reply: Buffer.alloc(0), viewing: undefined };
        const { fd } = socket as unknown as { fd: number };
        const why = open > MAX_CONNECTIONS ? "too many at once" : isOperator(fd) ? undefined : "not the operator";
        if (why === undefined) return;
        onRefused(why);
        socket.terminate();
      },
      async data(socket, bytes) {
        const peer = socket.data;
        if (peer.asked) return; // Nobody types to a client from here.
        peer.text += Buffer.from(bytes).toString("latin1");
        const end = peer.text.indexOf("\n");
        if (end === -1 && peer.text.length <= MAX_LINE_BYTES) return;
        if (end === -1) {
          onRefused("not a request");
          return void socket.terminate();
        }
        peer.asked = true;
        const request = readRequest(peer.text.slice(0, end));
        if (request === undefined) onRefused("not a request");
        const reply: Reply = request === undefined ? { ok: false, reason: "not a request" } : await act(request);
        socket.write(`${JSON.stringify(reply)}\n`);
        if (!reply.ok || (request !== "attach" && request !== "reattach")) return void socket.end();
        peer.viewing = output.view({
          write: (piece) => socket.write(piece),
          end(why) {
            if (why !== "over") onDetached(why);
            peer.viewing = undefined;
            socket.end();
          },
        });
      },
      drain(socket) {
        socket.data.viewing?.drain();
      },
      close(socket) {
        open -= 1;
        if (socket.data.viewing === undefined) return;
        socket.data.viewing.leave();
        onDetached("it went");
      },
      error() {},
    },
  });
  chmodSync(path, 0o600);
  return {
    [Symbol.dispose]() {
      output.close();
      server.stop();
      rmSync(path, { force: true });
    },
  };
}
