// `broke mode [cli|router]`: what `broke` alone does.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Say what `broke` alone does: cli launches the client, router starts the gateway and nobody",
  args: {
    mode: { type: "positional", required: false, description: "cli or router" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { settings } = openState();
    const said = values.mode?.[0] === "route" ? "router" : values.mode?.[0];
    if (said !== undefined && said !== "cli" && said !== "router")
      throw new BrokeError("usage", "the mode is cli or router");
    if (said !== undefined) settings.set("mode", said);
    const mode = said ?? settings.get("mode") ?? "cli";
    if (flags.has("json")) answerJson({ mode });
    else answer(mode);
    return 0;
  },
};
