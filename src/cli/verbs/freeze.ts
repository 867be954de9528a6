// `broke freeze [on|off]`: bare, it toggles. While it is on no command changes what is stored, but for what is printed.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Let no command change routing and settings, or let them again",
  args: {
    state: { type: "positional", required: false, description: "on or off; the other one, if none" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const said = values.state?.[0];
    if (said !== undefined && said !== "on" && said !== "off") throw new BrokeError("usage", "freeze is on or off");
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { exceptions, isFrozen, setFrozen } = await import("#src/state/freeze.ts");
    const on = await edited(openState(), ({ db }) =>
      db
        .transaction(() => {
          const wanted = said === undefined ? !isFrozen(db) : said === "on";
          setFrozen(db, wanted);
          return wanted;
        })
        .immediate(),
    );
    if (flags.has("json")) answerJson({ frozen: on, exceptions: on ? exceptions : [] });
    else
      answer(on ? ["frozen; what still changes:", ...exceptions.map((line) => `  ${line}`)].join("\n") : "not frozen");
    return 0;
  },
};
