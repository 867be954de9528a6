// `broke token revoke <name>`: while frozen too. The running gateway knows it with the next request.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "End a token, by its name; it is refused from the next request on",
  args: {
    name: { type: "positional", description: "name of the token" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const name = values.name![0]!;
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    await edited(openState(), ({ tokens }) => tokens.revoke(name));
    if (flags.has("json")) answerJson({ revoked: name });
    else answer(`${name} is revoked`);
    return 0;
  },
};
