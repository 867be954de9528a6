// Broke's own agent as a client (acp/agent): for models that bring none. It has no settings and no home of its own, asks the gateway by Chat, and is told what
// to do on its standard input by whoever started the run, or by `-p`.

import { dirname, join } from "node:path";
import type { Client } from "./client.ts";

const FOLDER = join(dirname(new URL(import.meta.url).pathname), "..", "..", "acp", "agent");

export const agent: Client = {
  id: "agent",
  binary: undefined,
  own: { folder: FOLDER, main: "main.ts" },
  install: "install broke anew",
  script: false,
  reservedArgs: [],
  args: (given) => given,
  goOn: () => undefined,
  env: ({ gatewayUrl, token }) => ({ BROKE_AGENT_URL: gatewayUrl, BROKE_AGENT_TOKEN: token }),
  homeFiles: () => ({}),
  readOnly: { files: [], dirs: [] },
  hidden: [],
  keep: [],
  userState: undefined,
};
