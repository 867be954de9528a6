// The options that say what a run may do, one declaration for every command that takes them.

import type { ArgsDef } from "citty";

const list = (description: string, valueHint: string) => ({ type: "string" as const, description, valueHint });

export const permissionArgs = {
  "allow-all": {
    type: "boolean",
    alias: "A",
    description: "everything below that is allowed by name; what is denied stays so",
  },
  "allow-read": list(
    "files and folders shown read-only at their own path; bare: the host's, but for secrets",
    "path,…",
  ),
  "allow-write": list("the same, to be written to", "path,…"),
  "allow-path": list("another word for --allow-write", "path,…"),
  "deny-read": list("what is not shown, whatever is allowed", "path,…"),
  "deny-write": list("what is read-only, whatever is allowed; bare: the workspace", "path,…"),
  "allow-net": list("hosts: example.com, *.example.com:8443, 10.0.0.0/8, …; bare: any public host", "host,…"),
  "ask-net": list("hosts to ask about on this terminal; bare: every one that is not allowed by name", "host,…"),
  "deny-net": list("hosts that may not be reached, whatever is allowed", "host,…"),
  "allow-env": list("variables of yours: NAME, PREFIX_*; bare: all; secrets only by their exact name", "name,…"),
  "allow-run": list(
    "programs that may be run, by name or path, and no others but the client's own; bare: any (default)",
    "program,…",
  ),
  "ask-run": list("programs to ask about on this terminal; bare: every one that is not allowed by name", "program,…"),
  "deny-run": list("programs that may not, whatever is allowed; bare: none but the client's own", "program,…"),
  "allow-unix": { type: "boolean", description: "leave Unix sockets open to the client (tsx, watchman, gpg-agent)" },
  "allow-protected": list(
    "protected paths of the workspace that may be written all the same: .npmrc, .github/workflows, …",
    "path,…",
  ),
  "deny-env": list("variables that are not passed on, whatever is allowed", "name,…"),
} satisfies ArgsDef;

/** Those that may be given any number of times, each bare or with a list. */
export const permissionLists = Object.entries(permissionArgs)
  .filter(([, { type }]) => type === "string")
  .map(([name]) => name);
