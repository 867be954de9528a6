// A client of the server within one process: for a command that has one thing to ask and waits for it. The messages are those an editor would exchange,
// spelled as JSON and read back, so that nothing is shared but words.

import { JSONRPCClient, type JSONRPCResponse, JSONRPCServer, JSONRPCServerAndClient } from "json-rpc-2.0";
import { openPeer, type Peer } from "./peer.ts";
import type { SessionUpdate } from "./schema.ts";

export type InsideClient = {
  /** Rejects with the server's error: a `JSONRPCErrorException` with its code, message and data. */
  request(method: string, params: object): PromiseLike<unknown>;
  notify(method: string, params: object): void;
  /** Nobody asks any more: the server's handlers are told. */
  close(): void;
};

type OnServer = {
  update(update: SessionUpdate): void;
  /** The option that is chosen; undefined: none is. */
  permit(title: string): string | undefined;
};

/** A client and the peer to serve it on. */
export function connectInside({ update, permit }: OnServer): { client: InsideClient; peer: Peer } {
  const server = new JSONRPCServer({ errorListener: () => {} });
  const rpc = new JSONRPCServerAndClient(
    server,
    new JSONRPCClient((message) => peer.take(JSON.parse(JSON.stringify(message)))),
  );
  const peer = openPeer(async (message) => {
    const read = JSON.parse(JSON.stringify(message)) as { method?: string; params?: never };
    if (read.method === undefined) rpc.client.receive(read as JSONRPCResponse);
    else await rpc.receiveAndSend(read, undefined);
  });
  server.addMethod("session/update", ({ update: told }: { update: SessionUpdate }) => update(told));
  server.addMethod("session/request_permission", ({ toolCall }: { toolCall: { title?: string | null } }) => {
    const optionId = permit(toolCall.title ?? "a tool");
    return { outcome: optionId === undefined ? { outcome: "cancelled" } : { outcome: "selected", optionId } };
  });
  return {
    peer,
    client: {
      request: (method, params) => rpc.request(method, params, undefined),
      notify: (method, params) => rpc.notify(method, params, undefined),
      close: () => peer.close(),
    },
  };
}
