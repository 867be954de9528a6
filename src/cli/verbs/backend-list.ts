// `broke backend list`: the operator's own backends.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

export const verb: Verb = {
  description: "List your own backends",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState } = await import("../compose.ts");
    const { allBackends } = await import("#src/routing/backends.ts");
    const own = allBackends(openState().generations.current()).filter((backend) => backend.source === "operator");
    if (flags.has("json")) answerJson(own);
    else if (own.length === 0) answer("none yet; `broke backend add --help`");
    else {
      const rows = own.map((backend) => [
        backend.label,
        backend.model,
        backend.dialect,
        backend.baseUrl,
        backend.keyEnv ?? "no key",
        backend.price === null ? "unknown" : `$${backend.price.input}/$${backend.price.output}`,
      ]);
      answer(table([["LABEL", "MODEL", "DIALECT", "BASE URL", "KEY", "PRICE/M"], ...rows]));
    }
    return 0;
  },
};
