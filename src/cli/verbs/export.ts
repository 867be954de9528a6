// `broke export [file]`: the routing with its teams, profiles and backends; no key and no token.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Write the routing, teams, profiles and backends to a file, or print them; no key, no token",
  args: { file: { type: "positional", required: false, description: "a file that is not there yet" } },
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { exportRouting } = await import("#src/routing/bundle.ts");
    const bundle = exportRouting(openState().generations.current());
    const file = values.file?.[0];
    if (file === undefined) {
      answerJson(bundle);
      return 0;
    }
    const { writeFileSync } = await import("node:fs");
    try {
      writeFileSync(file, `${JSON.stringify(bundle, null, 2)}\n`, { flag: "wx", mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST")
        throw new BrokeError("denied", "the file is there already");
      throw new BrokeError("missing", "the file cannot be written");
    }
    note("written; it holds no key and no token");
    return 0;
  },
};
