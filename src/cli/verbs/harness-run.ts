// `broke harness run`: one supervised run in the current folder, everything about it said by options.

import { readPermissionFlags } from "#sandbox/permission-flags.ts";
import type { Verb } from "../front.ts";
import { launchClient } from "../launch.ts";

export const verb: Verb = {
  description: "Run a client in a sandbox, record what it does, and end with a verdict",
  args: {
    client: {
      type: "string",
      alias: "provider",
      description: "claude (default), codex, gemini, or exec: any command; also --provider",
      valueHint: "client",
    },
    sandbox: { type: "string", description: "strict (default), hardened or normal", valueHint: "profile" },
    timeout: { type: "string", description: "how long it may take, as in 90s, 10m, 2h", valueHint: "duration" },
    limit: {
      type: "string",
      description:
        "what it may use up: memory=4g,pids=400,cpu=2,output=64m,growth=2g,tmp=512m,files=4096,filesize=2g, any of them",
      valueHint: "name=value,…",
    },
    home: {
      type: "string",
      description:
        "run (default): a client home of the run's own; user: your client's sessions, its settings read-only",
      valueHint: "run|user",
    },
    "allow-net": {
      type: "string",
      description: "hosts that may be reached: example.com, *.example.com:8443, 10.0.0.0/8, …; bare: any public host",
      valueHint: "host,…",
    },
    "deny-net": { type: "string", description: "hosts that may not, whatever is allowed", valueHint: "host,…" },
    "allow-unix": { type: "boolean", description: "leave Unix sockets open to the client (tsx, watchman, gpg-agent)" },
    "allow-run": {
      type: "string",
      description: "programs that may be run, by name or path, and no others but the client's own; bare: any (default)",
      valueHint: "program,…",
    },
    "deny-run": {
      type: "string",
      description: "programs that may not, whatever is allowed; bare: none but the client's own",
      valueHint: "program,…",
    },
    "ask-run": {
      type: "string",
      description: "programs to ask about on this terminal; bare: every one that is not allowed by name",
      valueHint: "program,…",
    },
    "ask-net": {
      type: "string",
      description: "hosts to ask about on this terminal; bare: every one that is not allowed by name",
      valueHint: "host,…",
    },
  },
  lists: ["allow-net", "deny-net", "allow-run", "deny-run", "ask-net", "ask-run"],
  rest: true,
  run: ({ values, flags, rest = [] }) =>
    launchClient(() => ({
      client: values.client?.[0] ?? "claude",
      profile: values.sandbox?.[0] ?? "strict",
      home: values.home?.[0] ?? "run",
      permissions: readPermissionFlags({ flags, values }),
      args: rest,
      limit: values.limit?.[0],
      timeout: values.timeout?.[0],
    })),
};
