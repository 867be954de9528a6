// `broke key-state set <name> healthy`: the operator lifts what is held against a key or a backend.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

export const verb: Verb = {
  description: "Lift what is held against a key (by the name of its variable) or a backend (by its label)",
  args: {
    name: { type: "positional", description: "variable of the key, or label of the backend" },
    state: { type: "positional", description: "healthy" },
  },
  async run({ values }) {
    const [name = "", state] = [values.name?.[0], values.state?.[0]];
    if (state !== "healthy") throw new BrokeError("usage", "unknown state", "use healthy");
    const { openState } = await import("../compose.ts");
    const lifted = openState().health.lift(name);
    if (lifted === 0) throw new BrokeError("negative", "nothing is held against it", "`broke key-state` lists what is");
    answer(`${name}: ${lifted} lifted`);
    return 0;
  },
};
