// The head of an HTTP/1.1 request as the proxy accepts it, and as it is passed on (RFC 9112). Pure. Whatever two readers could read in two
// ways (a second length, a bare line feed, a folded line, a chunked body) is refused and not repaired.
// Does not stop: anything in the path, the headers or the body of a request to an allowed host.

import { type Host, parseAuthority, sameHost } from "../hosts.ts";

export type Target = { host: Host; port: number };

export type Head =
  | { kind: "more" }
  | { kind: "connect"; target: Target; rest: Buffer }
  /** A request for an origin; `head` is what goes out, `bodyBytes` how much of what follows belongs to it. */
  | { kind: "request"; target: Target; head: Buffer; bodyBytes: number; rest: Buffer }
  | { kind: "refused"; status: 400 | 411 | 431; reason: string };

const MAX_HEAD = 32 * 1024;
const HTTP_PORT = 80;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §7.6.1, and what only concerns a proxy. */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "upgrade"],
  ...["http2-settings", "transfer-encoding"],
]);

const refused = (status: 400 | 411 | 431, reason: string): Head => ({ kind: "refused", status, reason });

type Field = { name: string; value: string };

function readFields(lines: string[]): Field[] | undefined {
  const fields: Field[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    // Latin-1 as it came: anything but control characters may stand in a value.
    if (!TOKEN.test(name) || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) return undefined;
    fields.push({ name, value });
  }
  return fields;
}

/** Where an origin request goes, and the path to ask for. `tunnel` is the other end where there is one already. */
function readTarget(text: string, tunnel: Target | undefined): { target: Target; path: string } | undefined {
  const absolute = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(text);
  if (absolute !== null) {
    const authority = parseAuthority(absolute[1]!);
    if (authority === undefined) return undefined;
    const target = { host: authority.host, port: authority.port ?? HTTP_PORT };
    const path = absolute[2]!.startsWith("/") ? absolute[2]! : `/${absolute[2]!}`;
    return tunnel === undefined || isSame(target, tunnel) ? { target, path } : undefined;
  }
  if (tunnel === undefined || !/^(?:\/[^#]*|\*)$/.test(text)) return undefined;
  return { target: tunnel, path: text };
}

const isSame = (one: Target, other: Target) => sameHost(one.host, other.host) && one.port === other.port;

function bodyLength(fields: Field[]): number | Head {
  const values = (wanted: string) => fields.filter(({ name }) => name.toLowerCase() === wanted);
  const lengths = values("content-length");
  if (values("transfer-encoding").length > 0) {
    return lengths.length > 0
      ? refused(400, "a length and a transfer encoding")
      : refused(411, "over plain HTTP a body needs a length");
  }
  if (lengths.length === 0) return 0;
  const [{ value } = { value: "" }] = lengths;
  if (lengths.length > 1 || !/^\d{1,15}$/.test(value)) return refused(400, "not exactly one length");
  return Number(value);
}

/**
 * Reads a request's head. Without `tunnel` it must be CONNECT or an absolute-form request to a proxy; with it an origin's own request for
 * that very host. The Host header must say the same as the target. Passed on, the connection serves this one request.
 */
export function readHead(bytes: Buffer, tunnel?: Target): Head {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return bytes.length > MAX_HEAD ? refused(431, "the head is too long") : { kind: "more" };
  if (end > MAX_HEAD) return refused(431, "the head is too long");
  const text = bytes.toString("latin1", 0, end);
  const rest = bytes.subarray(end + 4);
  const [first = "", ...lines] = text.split("\r\n");
  const [, method, asked, version] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (method === undefined || asked === undefined) return refused(400, "not an HTTP/1.1 request");
  const fields = readFields(lines);
  if (fields === undefined) return refused(400, "a header that is not one");
  if (method === "CONNECT") {
    const authority = tunnel === undefined ? parseAuthority(asked) : undefined;
    if (authority === undefined || authority.port === null) return refused(400, "CONNECT takes host:port");
    return { kind: "connect", target: { host: authority.host, port: authority.port }, rest };
  }
  const read = readTarget(asked, tunnel);
  if (read === undefined) return refused(400, "not a request for a host by http");
  const hosts = fields.filter(({ name }) => name.toLowerCase() === "host");
  const stated = hosts.length === 1 ? parseAuthority(hosts[0]!.value) : undefined;
  if (stated === undefined || !isSame({ host: stated.host, port: stated.port ?? HTTP_PORT }, read.target)) {
    return refused(400, "the Host header is not the host that is asked for");
  }
  const bodyBytes = bodyLength(fields);
  if (typeof bodyBytes !== "number") return bodyBytes;
  const listed = fields
    .filter(({ name }) => name.toLowerCase() === "connection")
    .flatMap(({ value }) => value.toLowerCase().split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "host" && name !== "content-length");
  const kept = fields.filter(({ name }) => !HOP_BY_HOP.has(name.toLowerCase()) && !listed.includes(name.toLowerCase()));
  const head = [
    `${method} ${read.path} HTTP/1.${version}`,
    ...kept.map(({ name, value }) => `${name}: ${value}`),
    "Connection: close",
  ];
  return {
    kind: "request",
    target: read.target,
    head: Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"),
    bodyBytes,
    rest,
  };
}
