// Any command as a client: it gets the gateway's address and the run's token, and a home with nothing in it. Sent back, it is run again, and what is
// objected to is in the file that BROKE_OBJECTIONS names.

import type { Client } from "./client.ts";

const OBJECTIONS = "objections.txt";

export const exec: Client = {
  id: "exec",
  binary: undefined,
  install: "",
  script: false,
  reservedArgs: [],
  args: (given) => given,
  goOn: () => undefined,
  env: ({ gatewayUrl, token, home, objections }) => ({
    ANTHROPIC_BASE_URL: gatewayUrl,
    ANTHROPIC_AUTH_TOKEN: token,
    ...(objections === undefined ? {} : { BROKE_OBJECTIONS: `${home}/${OBJECTIONS}` }),
  }),
  homeFiles: ({ objections }) => (objections === undefined ? {} : { [OBJECTIONS]: objections }),
  readOnly: { files: [], dirs: [] },
  hidden: [],
  keep: [],
  userState: undefined,
};
