// `broke init`: makes what is kept, if it is not there, and says where.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Make BROKE_HOME, its database and the gateway's token, where they are missing",
  args: { json: { type: "boolean", description: "print JSON" } },
  async run({ flags }) {
    const { openState, secretNames } = await import("../compose.ts");
    const { clientToken } = await import("#src/state/secrets.ts");
    const { home, env, generations, keys } = openState();
    clientToken(home, env);
    const current = generations.current();
    const { id: generation, slots } = current;
    const set = new Set(secretNames(keys, current).filter((name) => keys.get(name) !== undefined));
    const made = { home: home.root, generation, slots: Object.keys(slots).length, keys: set.size };
    if (flags.has("json")) answerJson(made);
    else {
      answer(`${home.root} is ready`);
      if (made.slots === 0) answer("next: keys into .env there, then `broke swap sonnet=<backend>`");
    }
    return 0;
  },
};
