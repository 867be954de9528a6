// Network permissions, spelled as Deno spells them: which hosts and ports a run may reach, decided by words alone, and which addresses a
// name may turn out to have. Pure. Deny always wins; what no rule allows is denied.
// Does not stop: what an allowed host passes on to others.

import { domainToASCII } from "node:url";
import { BrokeError } from "#src/core/errors.ts";
import {
  type Address,
  classify,
  contains,
  covers,
  embeddedAddress,
  formatAddress,
  type Network,
  networkOf,
  parseNetwork,
} from "./addresses.ts";
import { type Host, hostText, parseHost } from "./hosts.ts";
import { type AskFlags, type ListFlags, noAskFlags } from "./permission-flags.ts";

/** One word of a list. `port` null: 443 and 80 where it allows, every port where it denies. */
export type NetRule = { text: string; port: number | null } & (
  { kind: "name"; name: string } | { kind: "below"; name: string } | { kind: "network"; network: Network }
);

/**
 * `any`: every public host. `ask`: hosts to be asked about, `any` for every public one that no rule allows. `within`: another permission that must
 * allow it too. No permission at all is undefined, and then there is no proxy either.
 */
export type NetPermission = {
  any: boolean;
  allow: NetRule[];
  deny: NetRule[];
  ask?: { any: boolean; rules: NetRule[] } | undefined;
  within?: NetPermission;
};

/** `ask`: it is a person's to allow. */
export type NetDecision =
  { allowed: true; rule: string } | { allowed: false; rule: string | null; reason: string; ask?: true };

export const ANY_RULE = "any public host";
const ASKED_RULE = "a person's answer";
const ASKED: NetDecision = { allowed: false, rule: ASKED_RULE, reason: "denied when asked", ask: true };
const USUAL_PORTS = [443, 80];

/** A word may be shown when it cannot hold a credential. */
const SHOWABLE = /^[^@\s\p{C}]{1,100}$/u;

function refuse(flag: string, word: string, why: string): BrokeError {
  const shown = SHOWABLE.test(word) ? `"${word}" ` : "";
  return new BrokeError(
    "usage",
    `${flag}: ${shown}${why}`,
    "hosts are example.com, *.example.com:8443, 192.0.2.1, [2001:db8::1]:443, 192.0.2.0/24",
  );
}

/** Splits the port off. IPv6 addresses are in brackets, as in Deno. */
function splitPort(flag: string, word: string): { host: string; port: number | null } {
  const [, host, digits] = /^(\[[^\]]*\]|[^:[]*)(?::(.*))?$/s.exec(word) ?? [];
  if (host === undefined) throw refuse(flag, word, "is not a host");
  if (digits === undefined) return { host, port: null };
  if (digits.includes(":")) throw refuse(flag, word, "looks like an IPv6 address, which is written in brackets");
  if (!/^\d{1,5}$/.test(digits) || Number(digits) < 1 || Number(digits) > 65_535) {
    throw refuse(flag, word, "has a port that is not a number from 1 to 65535");
  }
  return { host, port: Number(digits) };
}

/**
 * Reads one word of a list (Deno 2: `NetDescriptor::parse_for_list`). A wildcard stands for every subdomain and, as in Deno, for the domain
 * itself; networks are IPv4. Throws `usage`.
 */
export function parseNetRule(flag: string, word: string): NetRule {
  if (word === "") throw refuse(flag, word, "a host is missing");
  if (word.includes("://")) throw refuse(flag, word, "is a URL; only a host and a port are named");
  if (word.startsWith("vsock:")) throw refuse(flag, word, "is not a network a sandbox can be given");
  const { host: written, port } = splitPort(flag, word);
  const text = (host: string) => (port === null ? host : `${host}:${port}`);
  if (written.includes("/")) {
    const network = parseNetwork(written);
    if (network === undefined || network.base.family === 6) throw refuse(flag, word, "is not an IPv4 network");
    return { kind: "network", network, port, text: text(`${formatAddress(network.base)}/${network.prefix}`) };
  }
  const below = written.startsWith("*.");
  const bare = below ? written.slice(2) : written;
  // Only a name in another script is converted: the conversion would also read odd spellings of addresses.
  const ascii = /^[\x21-\x7e]*$/.test(bare) ? bare : domainToASCII(bare);
  const host = parseHost(ascii);
  if (host === undefined) throw refuse(flag, word, "is not a host");
  if (host.kind === "name") {
    return { kind: below ? "below" : "name", name: host.name, port, text: text(below ? `*.${host.name}` : host.name) };
  }
  const canonical = hostText(host);
  const shown = bare.startsWith("[") ? bare.slice(1, -1) : bare;
  // Mapped addresses and odd spellings would be recorded under another name than the one the operator wrote.
  if (below || (host.address.family === 4 && shown !== canonical)) throw refuse(flag, word, "is not a host");
  return {
    kind: "network",
    network: networkOf(host.address),
    port,
    text: text(host.address.family === 6 ? `[${canonical}]` : canonical),
  };
}

function parseLists(flag: string, lists: string[]): NetRule[] {
  return lists.flatMap((list) => list.split(",")).map((word) => parseNetRule(flag, word));
}

/**
 * The permission the flags give, on top of what the profile gives by itself (`public`: any public host, unless `--allow-net` narrows it).
 * Undefined: no network. Throws `usage` on a word that is not understood and on flags that contradict one another.
 */
export function parseNetPermission(
  flags: ListFlags,
  base: "none" | "public",
  asks: AskFlags = noAskFlags,
): NetPermission | undefined {
  const allow = parseLists("--allow-net", flags.allow);
  const deny = parseLists("--deny-net", flags.deny);
  const rules = parseLists("--ask-net", asks.list);
  const both = (one: NetRule[], other: NetRule[]) => one.find((rule) => other.some(({ text }) => text === rule.text));
  const clash = both(allow, deny) ?? both(rules, deny);
  if (clash !== undefined) throw refuse("--deny-net", clash.text, "is both allowed and denied");
  const twice = both(rules, allow);
  if (twice !== undefined) throw refuse("--ask-net", twice.text, "is both allowed and asked for");
  const asked = asks.any || rules.length > 0;
  if (flags.denyAll && (flags.any || asked || allow.length > 0 || deny.length > 0)) {
    throw new BrokeError("usage", "--deny-net without a host denies every host", "leave out the other network options");
  }
  if (flags.any && asks.any) {
    throw new BrokeError("usage", "--allow-net and --ask-net both name every host", "leave one of them out");
  }
  const any = flags.any || (base === "public" && allow.length === 0 && !asks.any);
  if (flags.denyAll || (!any && !asked && allow.length === 0)) return undefined;
  return asked ? { any, allow, deny, ask: { any: asks.any, rules } } : { any, allow, deny };
}

function namesHost(rule: NetRule, host: Host): boolean {
  if (rule.kind === "network") return host.kind === "address" && contains(rule.network, host.address);
  if (host.kind === "address") return false;
  return host.name === rule.name || (rule.kind === "below" && host.name.endsWith(`.${rule.name}`));
}

const allowsPort = (rule: NetRule, port: number) =>
  rule.port === null ? USUAL_PORTS.includes(port) : rule.port === port;
const deniesPort = (rule: NetRule, port: number) => rule.port === null || rule.port === port;

function denying({ deny }: NetPermission, host: Host, port: number): NetDecision | undefined {
  const rule = deny.find((each) => deniesPort(each, port) && namesHost(each, host));
  return rule && { allowed: false, rule: rule.text, reason: "a rule denies it" };
}

/** A rule names special addresses when all that it covers is such (`special`): 10.0.0.0/8 does, 0.0.0.0/0 does not. */
function namesAddress(rule: NetRule, address: Address, port: number, special: Network): boolean {
  return (
    rule.kind === "network" &&
    allowsPort(rule, port) &&
    contains(rule.network, address) &&
    covers(special, rule.network)
  );
}

/** What the words alone decide, before any name is looked up. An address is reached only where a rule names it. */
export function decideHost(permission: NetPermission, host: Host, port: number): NetDecision {
  const own = decideAlone(permission, host, port);
  if (permission.within === undefined || isRefused(own)) return own;
  const outer = decideHost(permission.within, host, port);
  return isRefused(outer) || (own.allowed && !outer.allowed) ? outer : own;
}

const isRefused = (decision: NetDecision) => !decision.allowed && decision.ask !== true;

function decideAlone(permission: NetPermission, host: Host, port: number): NetDecision {
  const denied = denying(permission, host, port);
  if (denied !== undefined) return denied;
  const { ask } = permission;
  const asked = ask?.rules.find((rule) => namesHost(rule, host) && allowsPort(rule, port));
  if (asked !== undefined) return { ...ASKED, rule: asked.text };
  const naming = permission.allow.filter((rule) => namesHost(rule, host));
  const rule = naming.find((each) => allowsPort(each, port));
  if (rule !== undefined) return { allowed: true, rule: rule.text };
  const usual = host.kind === "name" && USUAL_PORTS.includes(port);
  if (permission.any && usual) return { allowed: true, rule: ANY_RULE };
  if (ask?.any && usual) return ASKED;
  if (naming.length > 0 || (permission.any && host.kind === "name")) {
    return { allowed: false, rule: null, reason: "no rule allows this port" };
  }
  const reason = host.kind === "address" ? "no rule names this address" : "no rule allows this host";
  return { allowed: false, rule: null, reason };
}

/**
 * Whether an address that an allowed host has may be dialled. `rule` is the one that allowed the host; `own` says whether the address is one
 * of this machine's interfaces. Not public: only where a rule names the address itself.
 */
export function decideAddress(
  permission: NetPermission,
  address: Address,
  port: number,
  { rule, own }: { rule: string; own: boolean },
): NetDecision {
  // Which of its rules let the host pass is not known here; as one of any host it would be let to the fewest addresses.
  const outer = permission.within && decideAddress(permission.within, address, port, { rule: ANY_RULE, own });
  if (outer?.allowed === false) return outer;
  for (const each of [address, embeddedAddress(address)]) {
    const denied = each && denying(permission, { kind: "address", address: each }, port);
    if (denied) return denied;
  }
  const { kind, network } = classify(address);
  if (kind === "public" && !own) return { allowed: true, rule };
  const special = kind === "public" || kind === "documentation" ? networkOf(address) : network;
  const answered = permission.ask?.rules.filter(({ text }) => text === rule) ?? [];
  const naming = [...permission.allow, ...answered].find((each) => namesAddress(each, address, port, special));
  if (naming !== undefined) return { allowed: true, rule: naming.text };
  // Nobody's on the Internet, and so somebody's own network or a resolver's stand-in: for a host that was named, not for any.
  if (kind === "documentation" && !own && rule !== ANY_RULE) return { allowed: true, rule };
  const what = own ? "an address of this machine" : `a ${kind} address`;
  return { allowed: false, rule: null, reason: `${what} that no rule names` };
}
