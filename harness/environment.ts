// The client's environment, built from nothing: what the sandbox needs, what the client needs, no more. The launcher's own environment is
// only counted, by class, for the ledger.
// Does not stop: what the client puts into its children's environment.

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

const SECRET_NAME = /(TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_?KEY|_KEY$|_PAT$)/i;
const LOADER_NAME = /^(LD_|DYLD_|BASH_ENV$|ENV$|NODE_OPTIONS$|BUN_|PYTHON|PERL5|RUBYOPT|GIT_SSH|JAVA_TOOL)/;

/** How many variables there are, by class; never a name or a value. */
export function countByClass(variables: Record<string, string | undefined>): Record<string, number> {
  const counts = { secret: 0, loader: 0, broke: 0, other: 0 };
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) continue;
    if (name.startsWith("BROKE_")) counts.broke += 1;
    else if (SECRET_NAME.test(name)) counts.secret += 1;
    else if (LOADER_NAME.test(name)) counts.loader += 1;
    else counts.other += 1;
  }
  return counts;
}
