// The options of a run that say what it is held to: the same words as the keys of a contract file, and read as one.

import type { ArgsDef } from "citty";
import type { Invocation } from "./front.ts";

const word = (description: string, valueHint: string) => ({ type: "string" as const, description, valueHint });

export const contractArgs = {
  contract: word("a contract: a file (.toml, .yaml, .json), or the name of one in broke.toml", "file|name"),
  task: word("what to do, for a client without a terminal; @FILE reads it", "text|@file"),
  source: word("where the task comes from: manual, file, ci (GITHUB_* event), gsd (.planning)", "source"),
  policy: word("how strictly it is judged: off (default), throughput, balanced or high_assurance", "policy"),
  risk: word("low, normal (default), medium, high, critical, release or security", "risk"),
  retries: word("how often the worker may be sent back, at most", "number"),
  "max-turns": word("how many requests to a model it may make, at most", "number"),
  "max-tokens": word("how many tokens it may take, read and written together, at most", "number"),
  "max-cost": word("how many US dollars its models may cost, at most; every backend it uses needs a price", "usd"),
  verify: word("a command that must end with 0 on the result; any number of times", "command"),
  "allowed-paths": word("what in the workspace may change, and nothing else", "path,…"),
  "forbidden-paths": word("what in the workspace must not change", "path,…"),
  "worker-route": word(
    "how the worker reaches its models: broke_router (default), provider_direct, client_direct",
    "route",
  ),
  "credential-source": word("whose credential that takes: broke_managed or provider_managed", "source"),
  doctrine: word("doctrines to hold it to, in their order", "name,…"),
} satisfies ArgsDef;

/** Those that may be given any number of times. */
export const contractRepeated = ["verify"];

const LISTS = ["allowed-paths", "forbidden-paths"];

/** What those options say, as a contract's keys; `contract` is not one of them. */
export function contractDocument({ values }: Pick<Invocation, "values">): Record<string, unknown> {
  const said = Object.keys(contractArgs)
    .filter((name) => name !== "contract" && values[name] !== undefined)
    .map((name) => {
      const given = values[name]!;
      if (name === "verify") return [name, given];
      return [name, LISTS.includes(name) ? given[0]!.split(",") : given[0]!];
    });
  return Object.fromEntries(said);
}
