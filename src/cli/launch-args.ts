// The options of a launch that every command shares which makes, explains or rehearses one.

import { readPermissionFlags } from "#sandbox/permission-flags.ts";
import type { ArgsDef } from "citty";
import type { Invocation } from "./front.ts";
import type { Launch } from "./launch.ts";
import { permissionArgs } from "./permission-args.ts";

export const launchArgs = {
  sandbox: { type: "string", description: "strict (default), hardened or normal", valueHint: "profile" },
  workspace: {
    type: "string",
    description:
      "direct (default); worktree: a clone with your uncommitted changes, landed as a ref; copy: a copy, landed when you say so; overlay: the same without copying, where the kernel mounts one",
    valueHint: "mode",
  },
  base: { type: "string", description: "what a worktree begins at: a branch, a tag, a commit", valueHint: "ref" },
  timeout: { type: "string", description: "how long it may take, as in 90s, 10m, 2h", valueHint: "duration" },
  "idle-timeout": {
    type: "string",
    description: "how long it may show no sign of life: no output, program, connection or request to a model",
    valueHint: "duration",
  },
  limit: {
    type: "string",
    description:
      "what it may use up: memory=4g,pids=400,cpu=2,output=64m,growth=2g,tmp=512m,files=4096,filesize=2g, any of them",
    valueHint: "name=value,…",
  },
  "permission-set": {
    type: "string",
    alias: "P",
    description: "a set of permissions from broke.toml; alone: the one called default",
    valueHint: "name",
  },
  ...permissionArgs,
} satisfies ArgsDef;

/** Those of them that may be given without a value. */
export const launchOptional = ["permission-set"];

export const dryRunArg = {
  "dry-run": { type: "boolean", description: "print what bwrap would be told, as JSON, and start nothing" },
} satisfies ArgsDef;

/** What those options say. */
export function launchOptions({ values, flags }: Pick<Invocation, "values" | "flags">): Pick<
  Launch,
  "set" | "mode" | "base" | "permissions" | "limit" | "timeout" | "idle"
> & {
  profile: string | undefined;
} {
  const set = values["permission-set"]?.[0] ?? (flags.has("permission-set") ? "default" : undefined);
  return {
    set,
    profile: values.sandbox?.[0],
    mode: values.workspace?.[0],
    base: values.base?.[0],
    permissions: readPermissionFlags({ flags, values }),
    limit: values.limit?.[0],
    timeout: values.timeout?.[0],
    idle: values["idle-timeout"]?.[0],
  };
}
