// The moving of bytes between a client and the host it was let through to: reading a beginning, then both directions with backpressure,
// half-close and abort, counted and limited.
// Does not stop: a slow trickle from lasting as long as the limits let it.

import type { Socket } from "node:net";

/** Milliseconds and bytes of one connection. */
export type RelayLimits = { idleMs: number; halfOpenMs: number; totalMs: number; upBytes: number; downBytes: number };

/** Says the last thing to a client and closes. What it still sends is thrown away: unread, it would cut off the answer (RFC 9112 §9.6). */
export function sayLast(client: Socket, last: Uint8Array, ms: number): void {
  const timer = setTimeout(() => client.destroy(), ms);
  client.on("close", () => clearTimeout(timer));
  client.on("end", () => client.destroySoon());
  client.resume();
  client.end(last);
}

export type Gathered<T> = T | { kind: "gone" } | { kind: "late" };

/**
 * Collects a socket's bytes until `parse` makes something of them; then the socket is paused again. `parse` must come to an end by itself:
 * it is what bounds the memory. `gone`: the other side ended or broke off before; `ms` null: no limit but the socket's own.
 */
export function gather<T extends { kind: string }>(
  socket: Socket,
  start: Buffer,
  parse: (bytes: Buffer) => T | { kind: "more" },
  ms: number | null,
): Promise<Gathered<Exclude<T, { kind: "more" }>>> {
  type Found = Exclude<T, { kind: "more" }>;
  let bytes = start;
  const begun = parse(bytes);
  if (begun.kind !== "more") return Promise.resolve(begun as Found);
  const { promise, resolve } = Promise.withResolvers<Gathered<Found>>();
  const onData = (piece: Buffer) => {
    bytes = Buffer.concat([bytes, piece]);
    const found = parse(bytes);
    if (found.kind !== "more") settle(found as Found);
  };
  const onGone = () => settle({ kind: "gone" });
  const timer = ms === null ? undefined : setTimeout(() => settle({ kind: "late" }), ms);
  const settle = (result: Gathered<Found>) => {
    clearTimeout(timer);
    socket.pause();
    socket.off("data", onData).off("end", onGone).off("close", onGone);
    resolve(result);
  };
  socket.on("data", onData).on("end", onGone).on("close", onGone);
  if (socket.readableEnded || socket.destroyed) onGone();
  else socket.resume();
  return promise;
}

/** What a client may say while somebody else thinks; more stays in its socket. */
const MAX_EARLY_BYTES = 64 * 1024;

/**
 * Does something that may take long for a client that has asked for it, and tells when it has left: that shows only in reading. What it said
 * meanwhile is put back. One that has finished speaking looks the same and counts as gone.
 */
export async function whileSpeaking<Result>(
  client: Socket,
  gone: AbortSignal,
  act: (gone: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const left = new AbortController();
  const early: Buffer[] = [];
  let bytes = 0;
  const onData = (piece: Buffer) => {
    early.push(piece);
    bytes += piece.length;
    if (bytes > MAX_EARLY_BYTES) client.pause();
  };
  const onEnd = () => left.abort();
  client.on("data", onData).on("end", onEnd);
  client.resume();
  try {
    return await act(AbortSignal.any([gone, left.signal]));
  } finally {
    client.pause();
    client.off("data", onData).off("end", onEnd);
    if (bytes > 0 && !client.destroyed && !client.readableEnded) client.unshift(Buffer.concat(early));
  }
}

export type RelayOptions = { limits: RelayLimits; over: AbortSignal };

export type Relay = {
  /** Starts one direction with bytes already at hand. */
  up(first: Uint8Array): void;
  down(): void;
  /** Breaks both sides off; the first reason stays. */
  abort(reason: string): void;
  /** Resolves when both sides are closed: bytes each way, and why it was broken off, if it was. */
  done: Promise<{ up: number; down: number; reason: string | null }>;
};

/**
 * Joins two connected sockets until `over`. `upBytes` may be less than the limit where a request says how much follows. A client that is
 * gone altogether looks like one that has only finished speaking, as the two are the same on a Unix socket: `halfOpenMs` ends that.
 */
export function relay(
  client: Socket,
  remote: Socket,
  { limits, over: ending }: RelayOptions,
  upBytes = limits.upBytes,
): Relay {
  const counts = { up: 0, down: 0 };
  let reason: string | null = null;
  const over = Promise.withResolvers<void>();
  const abort = (why: string) => {
    reason ??= why;
    // A reset tells the host that this was no orderly end.
    if (!remote.destroyed) remote.resetAndDestroy();
    client.destroy();
  };
  const onEnding = () => abort("the run ended");
  ending.addEventListener("abort", onEnding);
  const total = setTimeout(() => abort("the time limit"), limits.totalMs);
  let idle = setTimeout(() => abort("idle"), limits.idleMs);
  const stir = () => {
    clearTimeout(idle);
    const half = client.readableEnded || remote.readableEnded;
    idle = setTimeout(() => abort("idle"), half ? limits.halfOpenMs : limits.idleMs);
  };
  const pump = (from: Socket, to: Socket, way: "up" | "down", limit: number, first: Uint8Array) => {
    const take = (piece: Uint8Array) => {
      counts[way] += piece.length;
      if (counts[way] > limit) {
        counts[way] = limit;
        abort(limit === limits[`${way}Bytes`] ? "the byte limit" : "more than the request said");
        return;
      }
      stir();
      if (!to.write(piece)) from.pause();
    };
    const end = () => {
      stir();
      to.end();
    };
    to.on("drain", () => from.resume());
    from.on("data", take);
    if (first.length > 0) take(first);
    if (from.readableEnded) end();
    else from.on("end", end);
    if (!to.writableNeedDrain) from.resume();
  };
  const closed = (from: Socket, to: Socket) => {
    // An orderly end of both its directions has been passed on already, and may still be on its way out.
    if (!from.readableEnded) abort(from === client ? "the client broke off" : "the host broke off");
    else if (!to.readableEnded) to.destroy();
    if (client.closed && remote.closed) over.resolve();
  };
  for (const [from, to] of [
    [client, remote],
    [remote, client],
  ] as const) {
    from.on("error", () => abort(from === client ? "the client broke off" : "the host broke off"));
    from.on("close", () => closed(from, to));
  }
  if (client.destroyed || remote.destroyed) abort("the client broke off");
  if (client.closed && remote.closed) over.resolve();
  const done = over.promise.then(() => {
    ending.removeEventListener("abort", onEnding);
    clearTimeout(total);
    clearTimeout(idle);
    return { ...counts, reason };
  });
  return {
    up: (first) => pump(client, remote, "up", upBytes, first),
    down: () => pump(remote, client, "down", limits.downBytes, new Uint8Array()),
    abort,
    done,
  };
}
