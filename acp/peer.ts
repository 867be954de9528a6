// One end of a JSON-RPC connection: json-rpc-2.0 for ids and dispatch, and around it what ACP wants besides: shapes checked before anything runs, no
// batches, requests that can be withdrawn both ways (`$/cancel_request`), ids of ours that cannot be taken for theirs.
// Does not stop: a handler that never ends; its caller has the signal.

import {
  isJSONRPCRequest,
  isJSONRPCResponse,
  JSONRPCClient,
  type JSONRPCID,
  type JSONRPCRequest,
  type JSONRPCResponse,
  JSONRPCServer,
  JSONRPCServerAndClient,
} from "json-rpc-2.0";
import * as v from "valibot";
import { acpError, errorCodes, errorResponse } from "./errors.ts";
import type { Frame, WriteFrame } from "./framing.ts";

/** `signal` is aborted when the caller withdraws the request, or is gone. */
export type RequestHandler = (params: unknown, signal: AbortSignal) => unknown;

export type Peer = {
  /** Answers a method; `{}` where the handler returns nothing. */
  onRequest(method: string, handler: RequestHandler): void;
  onNotification(method: string, handler: (params: unknown) => void): void;
  /** Asks the other end. Aborted, it withdraws the request and rejects; a late answer is let go. */
  request(method: string, params: object, signal?: AbortSignal): Promise<unknown>;
  /** Resolves when it is out. */
  notify(method: string, params: object): Promise<void>;
  /** Takes what came in; never waits for a handler. */
  receive(frame: Frame): void;
  /** The same of a message that was read already. */
  take(message: unknown): void;
  /** Resolves when all that was asked until now is answered, but for requests of these methods. */
  answered(except: readonly string[]): Promise<void>;
  /** The other end is gone: every handler is told, every request of ours rejects. */
  close(): void;
};

const cancelSchema = v.object({ requestId: v.union([v.string(), v.number()]) });
const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** A peer that writes with `write`. */
export function openPeer(write: WriteFrame): Peer {
  const server = new JSONRPCServer({ errorListener: () => {} });
  server.mapErrorToJSONRPCErrorResponse = errorResponse;
  const rpc = new JSONRPCServerAndClient(server, new JSONRPCClient((request) => write(request)), {
    errorListener: () => {},
  });
  const running = new Map<string | number, AbortController>();
  const notified = new Map<string, (params: unknown) => void>();
  const waiting = new Map<string, (error: Error) => void>();
  const answering = new Map<Promise<void>, string>();
  let asked = 0;
  let closed = false;
  const refuse = (id: JSONRPCID, code: keyof typeof errorCodes, message: string) =>
    void write({ jsonrpc: "2.0", id, error: { code: errorCodes[code], message } });

  const handle = async (request: JSONRPCRequest): Promise<void> => {
    const { id } = request;
    if (id === undefined) {
      notified.get(request.method)?.(request.params);
      return;
    }
    const response = await server.receive(request);
    if (response !== null && !closed) await write(response);
  };
  const take = (message: unknown): void => {
    if (!isObject(message)) return refuse(null, "invalidRequest", "a message is one object");
    if (isJSONRPCResponse(message)) return void rpc.client.receive(message);
    const { id } = message;
    const known = typeof id === "string" || typeof id === "number" ? id : null;
    if (!isJSONRPCRequest(message)) return refuse(known, "invalidRequest", "this is no JSON-RPC 2.0 message");
    if (known !== null && running.has(known))
      return refuse(known, "invalidRequest", "a request of that id is going on");
    const handled = handle(message).finally(() => answering.delete(handled));
    answering.set(handled, message.method);
  };
  notified.set("$/cancel_request", (params) => {
    const parsed = v.safeParse(cancelSchema, params);
    if (parsed.success) running.get(parsed.output.requestId)?.abort();
  });
  return {
    onRequest(method, handler) {
      server.addMethodAdvanced(method, async (request): Promise<JSONRPCResponse> => {
        const id = request.id ?? null;
        const controller = new AbortController();
        if (id !== null) running.set(id, controller);
        try {
          return { jsonrpc: "2.0", id, result: (await handler(request.params, controller.signal)) ?? {} };
        } catch (error) {
          return errorResponse(id, error);
        } finally {
          if (id !== null && running.get(id) === controller) running.delete(id);
        }
      });
    },
    onNotification: (method, handler) => void notified.set(method, handler),
    async request(method, params, signal) {
      if (closed || signal?.aborted) throw acpError("cancelled", "the request was withdrawn");
      const id = `broke-${++asked}`;
      const given = Promise.withResolvers<never>();
      waiting.set(id, given.reject);
      const withdraw = () => {
        void write({ jsonrpc: "2.0", method: "$/cancel_request", params: { requestId: id } });
        given.reject(acpError("cancelled", "the request was withdrawn"));
      };
      signal?.addEventListener("abort", withdraw, { once: true });
      try {
        const asking = Promise.resolve(rpc.requestAdvanced({ jsonrpc: "2.0", id, method, params }, undefined));
        asking.catch(() => {}); // given up on, its answer is nobody's
        const answer = await Promise.race([asking, given.promise]);
        if (answer.error !== undefined)
          throw acpError("internal", "the client answered with an error", { code: answer.error.code });
        return answer.result;
      } finally {
        waiting.delete(id);
        signal?.removeEventListener("abort", withdraw);
      }
    },
    notify: (method, params) => write({ jsonrpc: "2.0", method, params }),
    receive(frame) {
      if (frame.kind === "too long") return refuse(null, "invalidRequest", "the line is too long");
      let message: unknown;
      try {
        message = JSON.parse(frame.text);
      } catch {
        return refuse(null, "parse", "the line is not JSON");
      }
      take(message);
    },
    take,
    async answered(except) {
      const asked = [...answering].filter(([, method]) => !except.includes(method));
      await Promise.all(asked.map(([handled]) => handled));
    },
    close() {
      closed = true;
      for (const controller of running.values()) controller.abort();
      for (const reject of waiting.values()) reject(acpError("cancelled", "the connection is closed"));
    },
  };
}
