// IP addresses as numbers, and what kind of address each is (IANA's special-purpose registries, RFC 6890). Pure. An address nobody
// listed as public is not public, and one that carries an IPv4 address (mapped, NAT64, 6to4) is what that one is.
// Does not stop: an internal service on an address that is public by its number.

import { isIPv4, isIPv6 } from "node:net";

export type Address = { family: 4 | 6; value: bigint };
export type Network = { base: Address; prefix: number };

/** `documentation`: never routed on the Internet, and so free for an operator's own use; everything else beyond `public` may be an internal service. */
export type AddressKind =
  | "public"
  | "documentation"
  | "unspecified"
  | "loopback"
  | "private"
  | "shared"
  | "link-local"
  | "metadata"
  | "multicast"
  | "reserved";

const bits = (family: 4 | 6) => (family === 4 ? 32 : 128);

function v4Value(text: string): bigint {
  return text.split(".").reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function v6Value(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const embedded = dotted === null ? undefined : v4Value(dotted[2]!);
  const plain =
    embedded === undefined
      ? text
      : `${dotted![1]}${(embedded >> 16n).toString(16)}:${(embedded & 0xffffn).toString(16)}`;
  const [head = "", tail] = plain.split("::");
  const groups = (part: string | undefined) => (part === undefined || part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill("0"), ...after].reduce(
    (value, group) => (value << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

const MAPPED = 0xffffn << 32n;

/**
 * An address in its canonical spellings only: dotted decimal, or IPv6 without brackets and without a zone. An IPv4-mapped one is the IPv4
 * address it names. Undefined for anything else.
 */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: v4Value(text) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const value = v6Value(text);
  if (value >> 32n === MAPPED >> 32n) return { family: 4, value: value & 0xffff_ffffn };
  return { family: 6, value };
}

/** The address as it is dialled and recorded; IPv6 without brackets. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** `address/prefix`, bits beyond the prefix cleared. Undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [, host = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (address === undefined || Number(length) > bits(address.family)) return undefined;
  const prefix = Number(length);
  const shift = BigInt(bits(address.family) - prefix);
  return { base: { ...address, value: (address.value >> shift) << shift }, prefix };
}

/** The network that holds this address alone. */
export const networkOf = (address: Address): Network => ({ base: address, prefix: bits(address.family) });

export function contains(network: Network, address: Address): boolean {
  if (network.base.family !== address.family) return false;
  const shift = BigInt(bits(address.family) - network.prefix);
  return network.base.value >> shift === address.value >> shift;
}

/** Whether all of `inner` is in `outer`. */
export function covers(outer: Network, inner: Network): boolean {
  return outer.prefix <= inner.prefix && contains(outer, inner.base);
}

const block = (text: string, kind: AddressKind) => ({ network: parseNetwork(text)!, kind });

/** The first that holds an address says what it is. */
const BLOCKS = [
  block("169.254.169.254/32", "metadata"), // AWS, Azure, GCP, OpenStack and others
  block("169.254.170.2/32", "metadata"), // AWS ECS
  block("169.254.170.23/32", "metadata"), // AWS EKS
  block("100.100.100.200/32", "metadata"), // Alibaba
  block("168.63.129.16/32", "metadata"), // Azure's wire server, public by its number
  block("192.0.0.192/32", "metadata"), // Oracle
  block("fd00:ec2::254/128", "metadata"), // AWS
  block("fd00:ec2::23/128", "metadata"), // AWS EKS
  block("fd20:ce::254/128", "metadata"), // GCP
  block("0.0.0.0/8", "unspecified"),
  block("10.0.0.0/8", "private"),
  block("100.64.0.0/10", "shared"),
  block("127.0.0.0/8", "loopback"),
  block("169.254.0.0/16", "link-local"),
  block("172.16.0.0/12", "private"),
  block("192.0.0.0/24", "reserved"),
  block("192.0.2.0/24", "documentation"),
  block("192.88.99.0/24", "reserved"),
  block("192.168.0.0/16", "private"),
  block("198.18.0.0/15", "documentation"), // benchmarking
  block("198.51.100.0/24", "documentation"),
  block("203.0.113.0/24", "documentation"),
  block("224.0.0.0/4", "multicast"),
  block("240.0.0.0/4", "reserved"),
  block("0.0.0.0/0", "public"),
  block("::/128", "unspecified"),
  block("::1/128", "loopback"),
  block("fc00::/7", "private"),
  block("fe80::/10", "link-local"),
  block("fec0::/10", "private"),
  block("ff00::/8", "multicast"),
  block("2001:db8::/32", "documentation"),
  block("3fff::/20", "documentation"),
  block("2001::/23", "reserved"), // Teredo, ORCHID and the rest of RFC 2928
  block("2000::/3", "public"),
  block("::/0", "reserved"),
];

const NAT64 = parseNetwork("64:ff9b::/96")!;
const SIX_TO_FOUR = parseNetwork("2002::/16")!;

/** The IPv4 address inside a NAT64 (RFC 6052) or 6to4 (RFC 3056) address. */
export function embeddedAddress(address: Address): Address | undefined {
  if (contains(NAT64, address)) return { family: 4, value: address.value & 0xffff_ffffn };
  if (contains(SIX_TO_FOUR, address)) return { family: 4, value: (address.value >> 80n) & 0xffff_ffffn };
  return undefined;
}

/** What kind of address this is, and the block that makes it so. */
export function classify(address: Address): { kind: AddressKind; network: Network } {
  const inner = embeddedAddress(address);
  if (inner !== undefined) return { kind: classify(inner).kind, network: networkOf(address) };
  return BLOCKS.find(({ network }) => contains(network, address))!;
}
