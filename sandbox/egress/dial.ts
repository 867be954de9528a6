// From a host that a rule allows to a connection: every address looked up once, each one decided, and only one of those dialled by its
// number, so that nothing is resolved a second time.
// Does not stop: what the name's own servers learn from being asked: whoever may reach a host may tell its name servers something.

import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { type Address, formatAddress, parseAddress } from "../addresses.ts";
import { decideAddress, type NetPermission } from "../net-permission.ts";
import type { Refusal } from "./answers.ts";
import type { Target } from "./http-head.ts";

/** All addresses of a name, as text. Throws when it has none. */
export type Resolve = (name: string) => Promise<string[]>;

/** The system's own resolver, hosts file included. */
export const systemResolve: Resolve = async (name) =>
  (await lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address);

/** Opens a connection to an address given by number. Rejects when there is none, or when `signal` says so. */
export type Connect = (address: Address, port: number, signal: AbortSignal) => Promise<Socket>;

/** This machine's addresses, as they are now. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address.replace(/%.*$/, "")));

export type Reached =
  | { kind: "connected"; socket: Socket; address: string; rule: string }
  | { kind: "refused"; refusal: Refusal; address: string | null; rule: string | null; reason: string };

export type DialOptions = {
  permission: NetPermission;
  resolve: Resolve;
  connect: Connect;
  own: () => string[];
  /** For looking up and connecting together. */
  connectMs: number;
  /** The client went away. */
  gone: AbortSignal;
};

const refusals: Record<string, Refusal> = { ECONNREFUSED: "refused", ETIMEDOUT: "timeout" };

export const systemConnect: Connect = async (address, port, signal) => {
  const { family } = address;
  const socket = connect({ host: formatAddress(address), port, family, allowHalfOpen: true, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const abort = () => reject(Object.assign(new Error("aborted"), { code: "ETIMEDOUT" }));
  socket.once("connect", () => resolve(socket)).on("error", reject);
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) abort();
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
};

async function addressesOf({ host }: Target, resolve: Resolve, signal: AbortSignal): Promise<string[] | Refusal> {
  if (host.kind === "address") return [formatAddress(host.address)];
  const late = new Promise<Refusal>((done) => signal.addEventListener("abort", () => done("timeout"), { once: true }));
  try {
    return await Promise.race([resolve(host.name), late]);
  } catch {
    return "dns";
  }
}

/** Connects to the target that `rule` allowed. Never throws for what the network does. */
export async function reach(target: Target, rule: string, options: DialOptions): Promise<Reached> {
  const { permission, gone } = options;
  const signal = AbortSignal.any([gone, AbortSignal.timeout(options.connectMs)]);
  const found = await addressesOf(target, options.resolve, signal);
  if (typeof found === "string" || found.length === 0) {
    const refusal = typeof found === "string" ? found : "dns";
    return { kind: "refused", refusal, address: null, rule, reason: "the name could not be looked up" };
  }
  const own = new Set(options.own());
  let denied: Reached | undefined;
  let failed: Reached | undefined;
  for (const text of found) {
    const address = parseAddress(text);
    if (address === undefined) continue;
    const shown = formatAddress(address);
    const decision = decideAddress(permission, address, target.port, { rule, own: own.has(shown) });
    if (!decision.allowed) {
      denied ??= { kind: "refused", refusal: "denied", address: shown, rule: decision.rule, reason: decision.reason };
      continue;
    }
    try {
      const socket = await options.connect(address, target.port, signal);
      return { kind: "connected", socket, address: shown, rule: decision.rule };
    } catch (error) {
      const refusal = refusals[(error as NodeJS.ErrnoException).code ?? ""] ?? "unreachable";
      failed ??= { kind: "refused", refusal, address: shown, rule: decision.rule, reason: "no connection" };
    }
  }
  return (
    failed ??
    denied ?? { kind: "refused", refusal: "denied", address: null, rule: null, reason: "an address nobody can dial" }
  );
}
