// `broke active-model [--follow] [--lines N]`: who answered last, by the log of requests. Asks nobody.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, answerJsonLine } from "../output.ts";

const POLL_MS = 250;
const BATCH = 1_000;

export const verb: Verb = {
  description: "Show who answered last, for which slot, and which model it said it was",
  args: {
    lines: { type: "string", description: "how many of the last requests (default 1)" },
    follow: { type: "boolean", alias: "f", description: "go on with later ones, until interrupted" },
    json: { type: "boolean", description: "print JSON, of later ones a line each" },
  },
  async run({ values, flags }) {
    const given = values.lines?.[0] ?? "1";
    if (!/^\d{1,6}$/.test(given)) throw new BrokeError("usage", "--lines is a whole number");
    const { openState } = await import("../compose.ts");
    const { lineOf } = await import("#src/observe/requests.ts");
    const { requests } = openState();
    const first = requests.last(Number(given));
    if (flags.has("json")) answerJson(first);
    else if (first.length === 0 && !flags.has("follow")) answer("nothing was asked yet");
    for (const request of flags.has("json") ? [] : first) answer(lineOf(request));
    let seen = (first.at(-1) ?? requests.last(1)[0])?.seq ?? 0;
    while (flags.has("follow")) {
      await Bun.sleep(POLL_MS);
      for (const request of requests.last(BATCH, seen)) {
        seen = request.seq;
        if (flags.has("json")) answerJsonLine(request);
        else answer(lineOf(request));
      }
    }
    return 0;
  },
};
