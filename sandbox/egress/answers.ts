// How the proxy says no, in each protocol. Pure: the client learns which rule it ran into and nothing else.

import { type Reply, socksReply } from "./socks.ts";

/** Why a connection is not made. */
export type Refusal =
  "malformed" | "length" | "long" | "denied" | "dns" | "refused" | "timeout" | "unreachable" | "busy" | "internal";

/** `error` is RFC 9209's word for it. */
const answers: Record<Refusal, { status: string; error: string; reply: Reply }> = {
  malformed: { status: "400 Bad Request", error: "http_request_error", reply: "failed" },
  length: { status: "411 Length Required", error: "http_request_error", reply: "failed" },
  long: { status: "431 Request Header Fields Too Large", error: "http_request_error", reply: "failed" },
  denied: { status: "403 Forbidden", error: "http_request_denied", reply: "denied" },
  dns: { status: "502 Bad Gateway", error: "dns_error", reply: "unreachable" },
  refused: { status: "502 Bad Gateway", error: "connection_refused", reply: "refused" },
  timeout: { status: "504 Gateway Timeout", error: "connection_timeout", reply: "unreachable" },
  unreachable: { status: "502 Bad Gateway", error: "destination_ip_unroutable", reply: "unreachable" },
  busy: { status: "503 Service Unavailable", error: "connection_limit_reached", reply: "failed" },
  internal: { status: "500 Internal Server Error", error: "proxy_internal_error", reply: "failed" },
};

/** An HTTP answer that ends the connection, its words also where a client that hides the body shows them (RFC 9209). */
export function httpAnswer(refusal: Refusal, words: string): Uint8Array {
  const { status, error } = answers[refusal];
  const body = `broke: ${words}\n`;
  const head = [
    `HTTP/1.1 ${status}`,
    `Proxy-Status: broke; error=${error}; details="${words.replace(/[\\"]/g, "\\$&")}"`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

export const socksAnswer = (refusal: Refusal): Uint8Array => socksReply(answers[refusal].reply);

export const TUNNEL_OPEN = Buffer.from("HTTP/1.1 200 Connection Established\r\n\r\n");

/** A fatal TLS alert, access_denied (RFC 8446 §6): what a TLS client can show of a refusal after its tunnel stands. */
export const TLS_DENIED = Uint8Array.of(21, 3, 1, 0, 2, 2, 49);
