// `broke harness restore <run>`: puts the workspace a run worked in back to what it was before.

import { visible } from "#src/core/text.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Put the workspace a run worked in back to what it was, where nobody has been there since",
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { decideDeps } = await import("../decided.ts");
    const { restoreRun } = await import("#harness/restore.ts");
    const done = restoreRun(await decideDeps(), values.run![0]!);
    if (flags.has("json")) answerJson(done);
    else {
      for (const path of [...done.restored, ...done.removed]) answer(visible(path));
      for (const path of done.left) note(`left as it is: ${visible(path)}`);
    }
    return done.left.length > 0 ? 1 : 0;
  },
};
