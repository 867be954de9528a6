// `broke logs [--lines N] [--follow]`: what the gateway in the background wrote.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer } from "../output.ts";

const USUAL = 50;
const POLL_MS = 250;

export const verb: Verb = {
  description: "Print the end of the background gateway's log",
  args: {
    lines: { type: "string", description: `how many lines; ${USUAL}, if not given` },
    follow: { type: "boolean", alias: "f", description: "go on with what is written later, until interrupted" },
  },
  async run({ values, flags }) {
    const given = values.lines?.[0];
    if (given !== undefined && !/^\d{1,6}$/.test(given)) throw new BrokeError("usage", "--lines is a whole number");
    const { openState } = await import("../compose.ts");
    const { readTail } = await import("../tail.ts");
    const { join } = await import("node:path");
    const tail = readTail(join(openState().home.root, "gateway.log"), given === undefined ? USUAL : Number(given));
    const first = tail.lines();
    if (first.length > 0) answer(first.join("\n"));
    while (flags.has("follow")) {
      await Bun.sleep(POLL_MS);
      const more = tail.more();
      if (more.length > 0) answer(more.join("\n"));
    }
    return 0;
  },
};
