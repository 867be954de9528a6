// `broke provider [list]`: the clients, which of them is here, and whom `broke` alone launches.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the clients, and show the active one",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { activeClient, agents } = await import("../active.ts");
    const { searchFolders } = await import("#harness/find-client.ts");
    const { findExecutable } = await import("#sandbox/toolchains.ts");
    const state = openState();
    const active = activeClient(state);
    const folders = searchFolders(state.env, process.cwd());
    const all = agents.map((client) => ({
      ...{ client, active: client === active },
      path: findExecutable(client, folders) ?? null,
    }));
    if (flags.has("json")) answerJson(all);
    else answer(table(all.map(({ client, active, path }) => [active ? "→" : " ", client, path ?? "not installed"])));
    return 0;
  },
};
