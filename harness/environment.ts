// The client's environment, built from nothing: what the sandbox needs, what the client needs, and of the launcher's own what was allowed by
// name; the rest of that is only counted, by class, for the ledger.
// Does not stop: what the client puts into its children's environment.

import { existsSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { allowsVariable, classOf, type EnvPermission, type TakenNames } from "#sandbox/env-permission.ts";
import type { Client, ClientContext } from "./clients/client.ts";

const DEFAULT_PATH = ["/usr/local/bin", "/usr/bin", "/bin"];

/** What programs go by to find a proxy, in both spellings: curl obeys only the lower one for http, others only the upper. */
function proxyVariables(port: string): Record<string, string> {
  const http = `http://127.0.0.1:${port}`;
  const variables = {
    HTTP_PROXY: http,
    HTTPS_PROXY: http,
    ALL_PROXY: `socks5h://127.0.0.1:${port}`,
    NO_PROXY: "127.0.0.1,localhost",
  };
  const lower = Object.entries(variables).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...variables, ...Object.fromEntries(lower), NODE_USE_ENV_PROXY: "1" };
}

/** Variables for the client. `pathDirs` come after the shims and before the system's folders; `egressPort` is there with a network. */
export function clientEnvironment(
  client: Client,
  context: ClientContext,
  options: { shims: string; pathDirs: string[]; term: string | undefined; egressPort: string | undefined },
): Record<string, string> {
  return {
    PATH: [options.shims, ...options.pathDirs, ...DEFAULT_PATH].join(":"),
    HOME: context.home,
    USER: "agent",
    LOGNAME: "agent",
    SHELL: "/bin/bash",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TERM: context.terminal ? (options.term ?? "xterm-256color") : "dumb",
    GIT_TERMINAL_PROMPT: "0",
    ...(options.egressPort === undefined ? {} : proxyVariables(options.egressPort)),
    ...client.env(context),
  };
}

const NOBODY: ClientContext = {
  ...{ home: "", workspace: "", gatewayUrl: "", token: "", slots: [], opened: [] },
  ...{ terminal: false, confined: true, userState: false },
};

/** Names a run's environment has from us, whatever it is allowed. */
export function ownVariables(client: Client): ReadonlySet<string> {
  const options = { shims: "", pathDirs: [], term: undefined, egressPort: "" };
  return new Set(Object.keys(clientEnvironment(client, NOBODY, options)));
}

/**
 * What of the launcher's environment is passed on: what all of the permissions allow. A variable that holds a key of the gateway's, under
 * whatever name, is not. Throws `denied` when such a one was allowed by its name.
 */
export function passedVariables(
  env: Record<string, string | undefined>,
  permissions: EnvPermission[],
  taken: TakenNames,
  secrets: readonly string[],
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !permissions.every((permission) => allowsVariable(permission, name, taken))) continue;
    if (!secrets.includes(value)) passed[name] = value;
    else if (permissions.some(({ allow }) => allow.some((rule) => rule.kind === "name" && rule.name === name))) {
      throw new BrokeError("denied", `${name} holds a key of the gateway's`, "a run asks the gateway instead");
    }
  }
  return passed;
}

/** Values that are secret by their variables' names, but for paths: what a path leads to is. */
export function secretValues(variables: Record<string, string>): string[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    classOf(name) === "secret" && !(value.startsWith("/") && existsSync(value)) ? [value] : [],
  );
}

/** How many variables there are, by class; never a name or a value. */
export function countByClass(variables: Record<string, string | undefined>): Record<string, number> {
  const counts = { secret: 0, loader: 0, broke: 0, other: 0 };
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) continue;
    counts[classOf(name)] += 1;
  }
  return counts;
}
