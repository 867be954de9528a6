// A connection that is let through, from its opening to its end: the client's first bytes must name the host it asked for (TLS server name,
// HTTP Host), then everything goes through.
// Does not stop: on a port that a rule names beside 443 and 80, whatever is spoken that is not TLS; see client-hello.ts for what a server
// name does not tell.

import type { Socket } from "node:net";
import { type Host, hostText, parseHost, sameHost } from "../hosts.ts";
import { httpAnswer, TLS_DENIED, TUNNEL_OPEN } from "./answers.ts";
import type { AskedBy, Question } from "./asked.ts";
import { readClientHello } from "./client-hello.ts";
import { type Head, readHead, type Target } from "./http-head.ts";
import { gather, relay, type RelayOptions, sayLast } from "./relay.ts";
import { socksReply } from "./socks.ts";

/** `reason`: why it was denied or broken off, if it was. */
export type Carried = { verdict: "allowed" | "denied"; reason: string | null; up: number; down: number };
export type CarryOptions = RelayOptions & { headMs: number };

export const TLS_PORT = 443;
const HTTP_PORT = 80;

const opening: Record<AskedBy, Uint8Array> = {
  connect: TUNNEL_OPEN,
  socks: socksReply("succeeded"),
  http: new Uint8Array(),
};

type Beginning = ReturnType<typeof readBeginning> | { kind: "gone" } | { kind: "late" };

/** What stands in the client's first bytes on a tunnel to this target. */
function readBeginning(bytes: Buffer, target: Target) {
  if (target.port === HTTP_PORT) return readHead(bytes, target);
  const hello = readClientHello(bytes);
  return hello.kind === "not-tls" && target.port !== TLS_PORT ? ({ kind: "other" } as const) : hello;
}

/** A name must be the server name; an address has none, or itself. */
function isNamed(serverName: string | null, host: Host): boolean {
  if (serverName === null) return host.kind === "address";
  return sameHost(parseHost(serverName), host);
}

/** What is wrong with a tunnel's beginning; null when nothing is. */
function objection(beginning: Beginning, target: Target): string | null {
  switch (beginning.kind) {
    case "other":
      return null;
    case "hello":
      if (isNamed(beginning.serverName, target.host)) return null;
      return beginning.serverName === null
        ? "the TLS hello names no server"
        : "the TLS hello names another server than the one asked for";
    case "not-tls":
      return `only TLS is let through to port ${target.port}`;
    case "malformed":
    case "refused":
      return beginning.reason;
    default:
      return "the beginning did not come whole";
  }
}

const denied = (reason: string): Carried => ({ verdict: "denied", reason, up: 0, down: 0 });

type Request = Extract<Head, { kind: "request" }>;

async function forward(client: Socket, remote: Socket, request: Request, options: CarryOptions): Promise<Carried> {
  if (request.rest.length > request.bodyBytes) {
    const reason = "more than one request at once";
    remote.resetAndDestroy();
    sayLast(client, httpAnswer("malformed", reason), options.headMs);
    return denied(reason);
  }
  remote.write(request.head);
  const joined = relay(client, remote, options, Math.min(request.bodyBytes, options.limits.upBytes));
  joined.down();
  joined.up(request.rest);
  const { up, down, reason } = await joined.done;
  return { verdict: "allowed", reason, up: up + request.head.length, down };
}

/** A tunnel to 443 or 80: nothing reaches the host before the beginning is checked. */
async function carryChecked(client: Socket, remote: Socket, asked: Question, options: CarryOptions): Promise<Carried> {
  const { target } = asked;
  const beginning = await gather(
    client,
    asked.rest,
    (bytes) => withBytes(readBeginning(bytes, target), bytes),
    options.headMs,
  );
  if (beginning.kind === "request") return forward(client, remote, beginning, options);
  const reason = objection(beginning, target);
  if (reason !== null || !("bytes" in beginning)) {
    const last = target.port === HTTP_PORT ? httpAnswer("denied", `${hostText(target.host)}: ${reason}`) : TLS_DENIED;
    remote.resetAndDestroy();
    sayLast(client, last, options.headMs);
    return denied(reason ?? "");
  }
  const joined = relay(client, remote, options);
  joined.down();
  joined.up(beginning.bytes);
  return { verdict: "allowed", ...(await joined.done) };
}

/** A tunnel to a port that a rule names: the host may be the one to speak first, and the client may take its time or say nothing. */
async function carryOther(client: Socket, remote: Socket, asked: Question, options: CarryOptions): Promise<Carried> {
  const { target } = asked;
  const joined = relay(client, remote, options);
  joined.down();
  const beginning = await gather(client, asked.rest, (bytes) => withBytes(readBeginning(bytes, target), bytes), null);
  const silent = beginning.kind === "gone";
  const reason = silent ? null : objection(beginning, target);
  if (reason !== null) {
    client.write(TLS_DENIED);
    joined.abort(reason);
    return { verdict: "denied", ...(await joined.done) };
  }
  joined.up("bytes" in beginning ? beginning.bytes : new Uint8Array());
  return { verdict: "allowed", ...(await joined.done) };
}

const withBytes = <T extends { kind: string }>(read: T, bytes: Buffer): T & { bytes: Buffer } => ({ ...read, bytes });

/** Carries what was asked between the client and the connected host. Resolves when both are closed, or the client is being told why not. */
export async function carry(client: Socket, remote: Socket, asked: Question, options: CarryOptions): Promise<Carried> {
  if (asked.kind === "request") return forward(client, remote, asked, options);
  client.write(opening[asked.by]);
  const usual = asked.target.port === TLS_PORT || asked.target.port === HTTP_PORT;
  return usual ? carryChecked(client, remote, asked, options) : carryOther(client, remote, asked, options);
}
