// `broke acp-server`: the agent an editor starts and talks to over standard input and output.

import type { Verb } from "../front.ts";

export const verb: Verb = {
  description: "Serve an editor that speaks ACP (Agent Client Protocol), on standard input and output",
  args: {},
  async run() {
    const { serveEditor } = await import("../acp.ts");
    return serveEditor();
  },
};
