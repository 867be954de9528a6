// `broke models`: every backend a slot can be pointed at.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List the backends a slot can be pointed at",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { allBackends } = await import("#src/routing/backends.ts");
    const { keyPool } = await import("#src/routing/candidates.ts");
    const state = openState();
    const names = state.keys.names();
    const backends = allBackends(state.generations.current()).map((backend) => ({
      ...backend,
      keys: backend.keyEnv === null ? null : keyPool(backend.keyEnv, names).length,
    }));
    if (flags.has("json")) answerJson(backends);
    else {
      const key = (backend: (typeof backends)[number]) =>
        backend.keys === null
          ? "no key needed"
          : backend.keys > 0
            ? `${backend.keys} key(s)`
            : `needs ${backend.keyEnv}`;
      const rows = backends.map((backend) => [
        backend.label,
        backend.provider ?? "-",
        backend.model,
        backend.pinned === false ? "floating" : "",
        key(backend),
      ]);
      answer(table([["BACKEND", "PROVIDER", "MODEL", "", "KEYS"], ...rows]));
    }
    return 0;
  },
};
