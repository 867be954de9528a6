// A host as a client may write it, brought to one spelling: a DNS name in lower case, or an address. Pure; used for rules, for what the
// proxy is asked for and for what a TLS hello or a Host header says, so that no two of them can be read differently.

import { type Address, formatAddress, parseAddress } from "./addresses.ts";

export type Host = { kind: "name"; name: string } | { kind: "address"; address: Address };

const MAX_NAME = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** Resolvers read a name that ends so as an IPv4 address: decimal, octal, hex, with fewer than four parts (inet_aton(3), WHATWG URL). */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/**
 * Reads a host. Brackets around IPv6, any case and one trailing dot are accepted; an IPv4 address in an odd spelling is the address it means.
 * Undefined for what is neither a name nor an address, non-ASCII and zones included.
 */
export function parseHost(text: string): Host | undefined {
  if (text.startsWith("[")) {
    const inner = text.endsWith("]") ? text.slice(1, -1) : "";
    const address = inner.includes(":") ? parseAddress(inner) : undefined;
    return address === undefined ? undefined : { kind: "address", address };
  }
  const name = text.toLowerCase().replace(/\.$/, "");
  if (name === "" || name.length > MAX_NAME || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  if (!name.split(".").every((label) => LABEL.test(label))) return undefined;
  if (!NUMERIC_END.test(name)) return { kind: "name", name };
  const address = URL.canParse(`http://${name}/`) ? parseAddress(new URL(`http://${name}/`).hostname) : undefined;
  return address === undefined ? undefined : { kind: "address", address };
}

/** The host in its one spelling, IPv6 without brackets. */
export const hostText = (host: Host): string => (host.kind === "name" ? host.name : formatAddress(host.address));

export const sameHost = (one: Host | undefined, other: Host): boolean =>
  one !== undefined && hostText(one) === hostText(other);

/** `host`, `host:port` or `[v6]:port`. Undefined when either is not what it should be; the port is null where none is written. */
export function parseAuthority(text: string): { host: Host; port: number | null } | undefined {
  const [, hostPart = "", digits] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = parseHost(hostPart);
  const port = digits === undefined ? null : Number(digits);
  if (host === undefined || (port !== null && (port < 1 || port > 65_535))) return undefined;
  return { host, port };
}
