// How the worker reaches its models: by our gateway (nothing of worth inside), or by itself with a credential that is lent to it. Lending is asked
// for by name, confirmed by the operator, ends with the run, and what the ledger says was injected is read from what was.
// Does not stop: a worker that was lent a key from keeping it beyond its run; only its provider can end that.

import { join } from "node:path";
import { isoTime } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { readPrivate } from "#src/state/files.ts";
import { decideHost, type NetPermission } from "#sandbox/net-permission.ts";
import type { Client } from "./clients/client.ts";
import { clientOf } from "./clients.ts";
import type { RunContract } from "./contract/contract.ts";
import type { Finding } from "./verdict/categories.ts";

/** What is lent, where the route is not our gateway's. */
export type Direct = { kind: "key"; name: string; key: string } | { kind: "login"; files: Record<string, string> };

type Routed = Pick<RunContract, "client" | "route" | "credential" | "home">;

function hostsOf(client: Client, route: RunContract["route"]): readonly string[] {
  if (route === "provider_direct") return client.direct === undefined ? [] : [client.direct.host];
  return route === "client_direct" ? (client.login?.hosts ?? []) : [];
}

/** Whose credential a route uses, where it is not said. */
export const usualCredential = (route: RunContract["route"]): RunContract["credential"] =>
  route === "client_direct" ? "provider_managed" : "broke_managed";

/** Throws `usage` for a route the client has not, or that its network does not let it go. `net` undefined: there is none. */
export function checkRoute(
  { client: id, route, credential, home }: Routed,
  net: NetPermission | "host" | undefined,
): void {
  const client = clientOf(id);
  const refuse = (message: string, hint: string): never => {
    throw new BrokeError("usage", message, hint);
  };
  if (route === "broke_router") {
    if (credential !== "broke_managed")
      refuse("--worker-route broke_router gives the worker no credential", "leave out --credential-source");
    return;
  }
  if (route === "provider_direct" && client.direct === undefined)
    refuse(`${id} has no provider of its own`, "provider_direct is for claude, codex and gemini");
  if (route === "client_direct" && client.login === undefined)
    refuse(`${id} cannot use your own login here`, "client_direct is for gemini");
  if (route === "client_direct" && credential !== "provider_managed")
    refuse("client_direct uses your own login", "--credential-source provider_managed");
  if (home === "user") refuse(`${route} is for a client home of the run's own`, "leave out --home user");
  if (net === "host") return;
  const isOpen = (name: string) => net !== undefined && decideHost(net, { kind: "name", name }, 443).allowed;
  const closed = hostsOf(client, route).filter((name) => !isOpen(name));
  if (closed.length > 0)
    refuse(
      `${route} goes to ${closed.join(", ")} by itself, and that is not allowed`,
      `--allow-net=${closed.join(",")}`,
    );
}

/** What the ledger says of a route that nobody confirmed, and what follows; undefined: it was, or needs no confirmation. */
export function deniedRoute({
  route,
  lease,
  credential,
  client,
}: RunContract): { record: Record<string, Json>; finding: Finding } | undefined {
  if (route !== "provider_direct" || lease !== null) return undefined;
  const reason = "provider_direct lends the worker a key, and nobody confirmed it";
  return {
    record: { role: "worker", client, route, credential_source: credential, reason },
    finding: { category: "authority_expansion_denied", grade: "finding", source: "observation", reason },
  };
}

/** Takes what is to be lent. `keyOf` looks a key of ours up. Throws `missing` where there is none. */
export function takeCredential(
  contract: RunContract,
  keyOf: (name: string) => string | undefined,
  env: Record<string, string | undefined>,
): Direct | undefined {
  const { direct, login } = clientOf(contract.client);
  if (contract.route === "provider_direct" && direct !== undefined && contract.lease !== null) {
    const name = direct.keyEnv;
    const key = contract.credential === "broke_managed" ? keyOf(name) : env[name];
    if (key) return { kind: "key", name, key };
    throw new BrokeError("missing", `there is no ${name} to lend`, "set it, or use --worker-route broke_router");
  }
  if (contract.route === "client_direct" && login !== undefined) {
    const read = login.files.flatMap((path) => {
      const text = env.HOME === undefined ? undefined : readPrivate(join(env.HOME, path));
      return text === undefined ? [] : [[path, text] as const];
    });
    if (read.length > 0) return { kind: "login", files: Object.fromEntries(read) };
    throw new BrokeError(
      "missing",
      `you are not logged in with ${contract.client}`,
      `start ${contract.client} yourself once`,
    );
  }
  return undefined;
}

/** What stands for a credential in a launch that is not made. */
export function placeholderOf({ client, route }: Pick<RunContract, "client" | "route">): Direct | undefined {
  const { direct, login } = clientOf(client);
  if (route === "provider_direct" && direct !== undefined)
    return { kind: "key", name: direct.keyEnv, key: `{${direct.keyEnv}}` };
  return route === "client_direct" && login !== undefined ? { kind: "login", files: {} } : undefined;
}

/** Values of a credential that must never be written down. */
export function secretsOf(direct: Direct | undefined): string[] {
  if (direct === undefined) return [];
  if (direct.kind === "key") return [direct.key];
  // Of a login, every long word: tokens, whatever they are called.
  return Object.values(direct.files).flatMap((text) => text.match(/[A-Za-z0-9._/+=-]{20,}/g) ?? []);
}

/** What was lent, as it was really injected: variables that hold the key, files of the client's home that hold the login. */
export function leaseRecord(contract: RunContract, direct: Direct, env: Record<string, string>): Record<string, Json> {
  const injected =
    direct.kind === "key"
      ? Object.keys(env).filter((name) => env[name] === direct.key)
      : Object.keys(direct.files).map((path) => `home/${path}`);
  const { route, credential, client, lease } = contract;
  return {
    ...{ role: "worker", client, route, credential_source: credential, injected_into: injected },
    hosts: [...hostsOf(clientOf(client), route)],
    confirmed_by: lease?.by ?? null,
    expires_at: lease === null ? null : isoTime(lease.untilMs),
  };
}
