// The egress proxy in this process, with a resolver that says what the test wants, and clients that speak to it over its Unix socket.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress, parseAddress } from "#sandbox/addresses.ts";
import { systemConnect } from "#sandbox/egress/dial.ts";
import { type EgressAttempt, type EgressLimits, startEgress, usualLimits } from "#sandbox/egress/proxy.ts";
import { parseNetPermission } from "#sandbox/net-permission.ts";
import { noListFlags } from "#sandbox/permission-flags.ts";

/** An address out in the world. */
export const PUBLIC = "93.184.216.34";

export type TestEgress = AsyncDisposable & {
  socketPath: string;
  attempts: EgressAttempt[];
  /** Every name that was looked up and every address:port that was dialled, in order. */
  asked: string[];
  dialled: string[];
  failure(): string | undefined;
  /** Resolves when so many attempts have been recorded. */
  recorded(count: number): Promise<EgressAttempt[]>;
  dial(): Promise<Socket>;
};

/**
 * `names`: what each look-up of a name answers, one list after the other; the last stays, and with none it never answers. `hosts`: which server here stands for an
 * address:port of the world ("silent": none answers); without it addresses are really dialled.
 */
export async function makeEgress(options: {
  allow?: string[];
  any?: boolean;
  deny?: string[];
  names?: Record<string, string[][]>;
  hosts?: Record<string, { port: number }> | "silent";
  own?: string[];
  /** Hosts to be asked about, and who answers. */
  askFor?: string[];
  ask?: (host: string, port: number, gone: AbortSignal) => Promise<boolean>;
  limits?: Partial<EgressLimits>;
  onAttempt?: (attempt: EgressAttempt) => void;
}): Promise<TestEgress> {
  const dir = mkdtempSync(join(tmpdir(), "egress-"));
  const socketPath = join(dir, "egress.sock");
  const attempts: EgressAttempt[] = [];
  const asked: string[] = [];
  const dialled: string[] = [];
  const { hosts } = options;
  const waiting: { count: number; resolve: () => void }[] = [];
  const { allow = [], any = false, deny = [], names = {} } = options;
  const egress = await startEgress({
    socketPath,
    permission: parseNetPermission({ ...noListFlags, allow, any, deny }, "none", {
      any: options.askFor?.includes("any") ?? false,
      list: options.askFor?.filter((word) => word !== "any") ?? [],
    })!,
    ask: options.ask,
    limits: { ...usualLimits, ...options.limits },
    own: () => options.own ?? [],
    async resolve(name) {
      asked.push(name);
      const answers = names[name];
      if (answers === undefined) throw new Error("ENOTFOUND");
      if (answers.length === 0) return new Promise(() => {});
      return answers.length > 1 ? answers.shift()! : answers[0]!;
    },
    connect(address, port, signal) {
      const text = `${formatAddress(address)}:${port}`;
      dialled.push(text);
      if (hosts === undefined) return systemConnect(address, port, signal);
      if (hosts === "silent") return onceAborted(signal);
      const host = hosts[text];
      if (host === undefined) return Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
      return systemConnect(parseAddress("127.0.0.1")!, host.port, signal);
    },
    onAttempt(attempt) {
      options.onAttempt?.(attempt);
      attempts.push(attempt);
      for (const { count, resolve } of waiting) if (attempts.length >= count) resolve();
    },
  });
  return {
    socketPath,
    attempts,
    asked,
    dialled,
    failure: egress.failure,
    async recorded(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ count, resolve });
      if (attempts.length >= count) resolve();
      await promise;
      return attempts;
    },
    dial: () => dialUnix(socketPath),
    async [Symbol.asyncDispose]() {
      await egress.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** A host that does not answer, as systemConnect reports it. */
function onceAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, failed) =>
    signal.addEventListener("abort", () => failed(Object.assign(new Error("aborted"), { code: "ETIMEDOUT" }))),
  );
}

export function dialUnix(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.on("error", () => {});
  return new Promise((done) => socket.once("connect", () => done(socket)));
}

/** Everything until the other side ends, as Latin-1; a socket that breaks gives what came before. */
export function readAll(socket: Socket): Promise<string> {
  return new Promise((done) => {
    let text = "";
    socket.on("data", (piece) => (text += piece.toString("latin1")));
    socket.on("end", () => done(text)).on("close", () => done(text));
    socket.resume();
  });
}

/** The first bytes up to and with `mark`; what comes after is left in the socket. */
export function readTo(socket: Socket, mark: string | number): Promise<string> {
  return new Promise((done, failed) => {
    let bytes = Buffer.alloc(0);
    const onData = (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      const end = typeof mark === "number" ? mark : bytes.indexOf(mark) === -1 ? -1 : bytes.indexOf(mark) + mark.length;
      if (end === -1 || bytes.length < end) return;
      socket.pause();
      socket.off("data", onData).off("close", onClose);
      if (bytes.length > end) socket.unshift(bytes.subarray(end));
      done(bytes.toString("latin1", 0, end));
    };
    const onClose = () => failed(new Error(`closed after ${bytes.toString("latin1")}`));
    socket.on("data", onData).on("close", onClose);
    socket.resume();
  });
}

/** Sends this and gives everything that comes back. */
export async function ask(egress: TestEgress, text: string): Promise<string> {
  const socket = await egress.dial();
  const all = readAll(socket);
  socket.write(text);
  return all;
}

export async function tunnel(egress: TestEgress, where: string): Promise<Socket> {
  const socket = await egress.dial();
  socket.write(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n\r\n`);
  const answer = await readTo(socket, "\r\n\r\n");
  if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
  return socket;
}

/** What a client is told of a refusal over HTTP. */
export const denial = (words: string, status = "403 Forbidden", error = "http_request_denied") => {
  const body = `broke: ${words}\n`;
  return `HTTP/1.1 ${status}\r\nProxy-Status: broke; error=${error}; details="${words}"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
};

export type Origin = AsyncDisposable & { port: number; connections: number };

/** A TCP server on 127.0.0.1 that treats each connection as told. */
export async function startOrigin(behave: (socket: Socket) => void): Promise<Origin> {
  const open = new Set<Socket>();
  const origin = { port: 0, connections: 0 };
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    origin.connections += 1;
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    behave(socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin.port = (server.address() as { port: number }).port;
  return Object.assign(origin, {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  });
}
