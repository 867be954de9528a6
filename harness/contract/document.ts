// A contract as somebody wrote it: the keys of a contract file, of `[harness]` and `[contracts.NAME]` in broke.toml, and of the options of
// `broke harness run`, which are the same words. Every key that is not known is an error. Pure.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { parseLimits, parseTimeout, type RunLimits } from "#sandbox/limits.ts";
import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { readPermissionSet } from "#sandbox/permission-sets.ts";
import { clientIds } from "../clients.ts";
import { policyNames, risks } from "../verdict/policies.ts";
import {
  credentialSources,
  MAX_RETRIES,
  MAX_TASK_BYTES,
  routes,
  type TaskSource,
  taskSources,
  type Terms,
} from "./terms.ts";

const word = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const words = v.union([word, v.pipe(v.array(word), v.maxLength(64))]);
const amount = v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number))]);

const MAX_USD = 1_000_000;
const dollars = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,7}(\.\d{1,6})?$/), v.transform(Number))]),
  v.minValue(0),
  v.maxValue(MAX_USD),
);

/** What each key can be, and what is said when it is not. */
const keys = {
  client: [v.picklist(clientIds), `one of ${clientIds.join(", ")}`],
  home: [word, "run or user"],
  sandbox: [word, "strict, hardened or normal"],
  workspace: [word, "direct, worktree or copy"],
  "permission-set": [word, "the name of a set"],
  permissions: [v.record(v.string(), v.unknown()), "a table as in [permissions.NAME]"],
  timeout: [word, "as in 90s, 10m, 2h"],
  "idle-timeout": [word, "as in 90s, 10m, 2h"],
  limits: [v.record(v.string(), v.union([v.string(), v.number()])), "a table of amounts"],
  args: [v.pipe(v.array(v.string()), v.maxLength(256)), "a list of words"],
  task: [v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TASK_BYTES)), "words of at most 64 KiB, or @FILE"],
  source: [v.picklist(taskSources), `one of ${taskSources.join(", ")}`],
  policy: [v.picklist(policyNames), `one of ${policyNames.join(", ")}`],
  risk: [v.picklist(risks), `one of ${risks.join(", ")}`],
  retries: [
    v.pipe(amount, v.integer(), v.minValue(0), v.maxValue(MAX_RETRIES)),
    `a whole number from 0 to ${MAX_RETRIES}`,
  ],
  "max-turns": [v.pipe(amount, v.integer(), v.minValue(1)), "a whole number, as of requests to a model"],
  "max-tokens": [v.pipe(amount, v.integer(), v.minValue(1)), "a whole number, read and written together"],
  "max-cost": [dollars, "US dollars, as in 2.50"],
  verify: [words, "a command, or a list of them"],
  "allowed-paths": [words, "a path of the workspace, or a list of them"],
  "forbidden-paths": [words, "a path of the workspace, or a list of them"],
  roles: [
    v.strictObject({ verifier: v.optional(word), adversary: v.optional(word) }),
    "a table of slots: verifier, adversary",
  ],
  "worker-route": [v.picklist(routes), `one of ${routes.join(", ")}`],
  "credential-source": [v.picklist(credentialSources), `one of ${credentialSources.join(", ")}`],
  doctrine: [words, "the name of a doctrine, or a list of them"],
} as const satisfies Record<string, readonly [v.GenericSchema, string]>;
type Key = keyof typeof keys;
const names = Object.keys(keys) as Key[];

type Values = { [Name in Key]?: v.InferOutput<(typeof keys)[Name][0]> | undefined };

/** What one layer says; what it does not say is not there. `task` is as written. */
export type Layer = {
  client?: string;
  home?: string;
  profile?: string;
  mode?: string;
  set?: string;
  permissions?: PermissionFlags;
  limits?: Partial<RunLimits>;
  args?: string[];
  task?: string;
  source?: TaskSource;
  doctrines?: string[];
} & Partial<
  Pick<Terms, "policy" | "risk" | "retries" | "verification" | "forbidden" | "roles" | "route" | "credential">
> & {
    allowed?: string[];
    turns?: number;
    tokens?: number;
    cost?: number;
  };

const listOf = (value: string | string[]) => (typeof value === "string" ? [value] : value);

/** Paths are below the workspace, as they are written there. */
function pathsOf(where: string, key: string, value: string | string[]): string[] {
  const paths = listOf(value).map((path) => path.replace(/^\.\//, ""));
  const odd = paths.some((path) => path.startsWith("/") || path.split("/").includes("..") || path === "");
  if (odd) throw new BrokeError("usage", `${where}: ${key} are paths in the workspace`, "as in src, docs/*.md");
  // To a glob it is all but what stands behind it, which would allow, or forbid, the rest.
  if (paths.some((path) => path.startsWith("!")))
    throw new BrokeError("usage", `${where}: ${key} name what is meant, not what is not`, "leave out the !");
  return paths;
}

function checkKeys(where: string, given: object): void {
  const unknown = Object.keys(given).find((key) => !names.some((name) => name === key));
  if (unknown === undefined) return;
  const guess = nearest(unknown, names);
  const hint = guess === undefined ? `keys are ${names.join(", ")}` : `did you mean ${guess}?`;
  throw new BrokeError("usage", `${where}: unknown key`, hint);
}

function valuesOf(where: string, given: object): Values {
  checkKeys(where, given);
  const checked = Object.entries(given).map(([key, value]) => {
    const [schema, hint] = keys[key as Key];
    const parsed = v.safeParse(schema as v.GenericSchema, value);
    if (!parsed.success) throw new BrokeError("usage", `${where}: ${key} is not what it can be`, hint);
    return [key, parsed.output] as const;
  });
  return Object.fromEntries(checked) as Values;
}

function permissionsOf(where: string, table: Record<string, unknown>): PermissionFlags {
  const { profile, limits, flags } = readPermissionSet(`${where}, permissions`, table);
  if (profile === undefined && Object.keys(limits).length === 0) return flags;
  throw new BrokeError("usage", `${where}, permissions: no profile, timeout or limits here`, "they are keys beside it");
}

function limitsOf({ limits = {}, timeout, "idle-timeout": idle }: Values): Partial<RunLimits> {
  const said = Object.entries(limits).map(([name, value]) => `${name}=${value}`);
  return {
    ...(said.length === 0 ? {} : parseLimits(said.join(","))),
    ...(timeout === undefined ? {} : { timeoutMs: parseTimeout(timeout) }),
    ...(idle === undefined ? {} : { idleMs: parseTimeout(idle, "idle-timeout") }),
  };
}

/** Reads what was written; `where` is how it is called in errors. Throws `usage`. */
export function readLayer(where: string, given: unknown): Layer {
  if (given === null || typeof given !== "object" || Array.isArray(given))
    throw new BrokeError("usage", `${where}: a contract is a table of keys`, `keys are ${names.join(", ")}`);
  const said = valuesOf(where, given);
  const layer = {
    ...{ client: said.client, home: said.home, profile: said.sandbox, mode: said.workspace },
    ...{ set: said["permission-set"], args: said.args, task: said.task, source: said.source },
    ...{ policy: said.policy, risk: said.risk, retries: said.retries },
    ...{ route: said["worker-route"], credential: said["credential-source"] },
    permissions: said.permissions && permissionsOf(where, said.permissions),
    limits:
      said.limits === undefined && said.timeout === undefined && said["idle-timeout"] === undefined
        ? undefined
        : limitsOf(said),
    ...{ turns: said["max-turns"], tokens: said["max-tokens"], cost: said["max-cost"] },
    verification: said.verify && listOf(said.verify),
    allowed: said["allowed-paths"] && pathsOf(where, "allowed-paths", said["allowed-paths"]),
    forbidden: said["forbidden-paths"] && pathsOf(where, "forbidden-paths", said["forbidden-paths"]),
    roles: said.roles && { verifier: said.roles.verifier ?? null, adversary: said.roles.adversary ?? null },
    doctrines: said.doctrine && listOf(said.doctrine).flatMap((names) => names.split(",")),
  };
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined)) as Layer;
}
