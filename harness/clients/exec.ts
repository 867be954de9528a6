// Any command as a client: it gets the gateway's address and the run's token, and a home with nothing in it.

import type { Client } from "./client.ts";

export const exec: Client = {
  id: "exec",
  binary: undefined,
  install: "",
  script: false,
  reservedArgs: [],
  args: (given) => given,
  env: (context) => ({ ANTHROPIC_BASE_URL: context.gatewayUrl, ANTHROPIC_AUTH_TOKEN: context.token }),
  homeFiles: () => ({}),
  readOnly: { files: [], dirs: [] },
  hidden: [],
  keep: [],
  userState: undefined,
};
