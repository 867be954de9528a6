// `broke import <file>`: shows what would change, then changes it; no key goes to a new place without `--trust`.

import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

const MAX_BYTES = 8 * 1024 * 1024;

export const verb: Verb = {
  description: "Take in an export: first what would change, then the change. What is there under the same name stays",
  args: {
    file: { type: "positional", description: "what `broke export` wrote" },
    overwrite: { type: "boolean", description: "replace what is there under the same name, and the settings" },
    trust: { type: "boolean", description: "let keys go to base URLs they did not go to before" },
    "dry-run": { type: "boolean", description: "only show what would change" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { describeDifference, differences } = await import("#src/routing/difference.ts");
    const { mergeRouting, newDestinations, readBundle } = await import("#src/routing/bundle.ts");
    const { readWhole } = await import("../read-whole.ts");
    const other = readBundle(parseJson(readWhole(values.file![0]!, "an export", MAX_BYTES)));
    const state = openState();
    const { id: _, ...now } = state.generations.current();
    const next = mergeRouting(now, other, flags.has("overwrite"));
    const changes = differences(now, next);
    const wanted = newDestinations(now, next);
    if (flags.has("json")) answerJson({ changes, destinations: wanted });
    else if (changes.length === 0) answer("nothing would change");
    else answer(changes.map(describeDifference).join("\n"));
    if (wanted.length > 0 && !flags.has("trust")) {
      const [{ keyEnv, baseUrl, label }] = wanted as [(typeof wanted)[number]];
      throw new BrokeError(
        "denied",
        `${label} would send ${keyEnv} to ${baseUrl}`,
        "nothing was changed; --trust allows it",
      );
    }
    if (flags.has("dry-run") || changes.length === 0) return 0;
    // What was shown is what is done: an edit in between starts it over.
    const { id } = await edited(state, ({ generations }) =>
      generations.commit("import", (routing) => {
        if (differences(now, routing).length > 0)
          throw new BrokeError("busy", "the routing changed meanwhile", "try again");
        return next;
      }),
    );
    if (!flags.has("json")) answer(`generation ${id}: imported`);
    return 0;
  },
};
