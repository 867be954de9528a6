// `broke settings [name=value …]`: what holds for every request of the gateway; a change takes effect with the next one.

import { readAssignments } from "../assignments.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Show settings of the gateway, or change them: lossless=on|off, silence=<seconds>",
  args: { json: { type: "boolean", description: "print JSON" } },
  words: "name=value",
  async run({ words, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { changeSettings } = await import("#src/routing/edit.ts");
    const changes = readAssignments(words, "name=value");
    const state = openState();
    const now =
      changes.length === 0
        ? state.generations.current()
        : await edited(state, ({ generations }) =>
            generations.commit(`settings ${words.join(" ")}`, (routing) => changeSettings(routing, changes)),
          );
    const { id: generation, lossless, silenceMs } = now;
    if (flags.has("json")) answerJson({ generation, lossless, silenceMs });
    else {
      answer(`lossless=${lossless ? "on" : "off"}  refuse what a backend's dialect cannot carry whole`);
      answer(`silence=${silenceMs / 1000}  seconds a provider may say nothing`);
    }
    return 0;
  },
};
