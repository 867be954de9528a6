// SOCKS 5 as the proxy speaks it (RFC 1928): no authentication (whoever has the socket is the run), CONNECT alone. Pure.

import { formatAddress } from "../addresses.ts";
import { type Host, parseHost } from "../hosts.ts";
import type { Target } from "./http-head.ts";

export const SOCKS_VERSION = 5;

export type Greeting = { kind: "more" } | { kind: "greeting"; bytes: number } | { kind: "refused" };

/** The client's first message: `bytes` long, and it offers to come without authentication. */
export function readGreeting(bytes: Uint8Array): Greeting {
  const count = bytes[1];
  if (count === undefined || bytes.length < 2 + count) return { kind: "more" };
  return bytes.subarray(2, 2 + count).includes(0) ? { kind: "greeting", bytes: 2 + count } : { kind: "refused" };
}

export const ACCEPT_GREETING = Uint8Array.of(SOCKS_VERSION, 0);
export const REFUSE_GREETING = Uint8Array.of(SOCKS_VERSION, 0xff);

/** Reply codes of RFC 1928 §6. */
export const replies = {
  succeeded: 0,
  failed: 1,
  denied: 2,
  unreachable: 4,
  refused: 5,
  command: 7,
  addressType: 8,
} as const;
export type Reply = keyof typeof replies;

export type SocksRequest =
  | { kind: "more" }
  | { kind: "connect"; target: Target; rest: Buffer }
  | { kind: "refused"; reply: Reply; reason: string };

const refused = (reply: Reply, reason: string): SocksRequest => ({ kind: "refused", reply, reason });

const CONNECT = 1;
const V4 = 1;
const NAME = 3;
const V6 = 4;

/** Where the address ends, from its type; the name's length stands before it. */
function addressEnd(bytes: Uint8Array): number | undefined {
  if (bytes[3] === V4) return 4 + 4;
  if (bytes[3] === V6) return 4 + 16;
  return bytes[3] === NAME ? 5 + (bytes[4] ?? 0) : undefined;
}

function readAddress(bytes: Buffer, end: number): Host | undefined {
  if (bytes[3] === NAME) return parseHost(bytes.toString("latin1", 5, end));
  const value = BigInt(`0x${bytes.toString("hex", 4, end)}`);
  const text = formatAddress({ family: bytes[3] === V4 ? 4 : 6, value });
  return parseHost(bytes[3] === V4 ? text : `[${text}]`);
}

/** The request after the greeting. */
export function readRequest(bytes: Buffer): SocksRequest {
  if (bytes.length > 0 && bytes[0] !== SOCKS_VERSION) return refused("failed", "not SOCKS 5");
  if (bytes.length < 5) return { kind: "more" };
  if (bytes[1] !== CONNECT) return refused("command", "only CONNECT is served");
  const end = addressEnd(bytes);
  if (end === undefined) return refused("addressType", "an address of an unknown type");
  if (bytes.length < end + 2) return { kind: "more" };
  const host = readAddress(bytes, end);
  const port = bytes.readUInt16BE(end);
  if (host === undefined || port === 0) return refused("failed", "not a host and a port");
  return { kind: "connect", target: { host, port }, rest: bytes.subarray(end + 2) };
}

/** The answer to a request; the bound address is ours and says nothing. */
export const socksReply = (reply: Reply): Uint8Array =>
  Uint8Array.of(SOCKS_VERSION, replies[reply], 0, V4, 0, 0, 0, 0, 0, 0);
