// `broke acp-server`: the agent an editor starts and talks to over standard input and output.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, note } from "../output.ts";

export const verb: Verb = {
  description: "Serve an editor that speaks ACP (Agent Client Protocol), on standard input and output",
  args: {
    "print-config": {
      type: "string",
      description:
        "print what an editor is told to start it: zed, jetbrains, codecompanion, avante, agent-shell, acpx; or registry, for its agent.json",
      valueHint: "editor",
    },
    context: {
      type: "string",
      description: "tokens that the models of our own agent take (lanes by provider or slot); 96000 if left out",
      valueHint: "tokens",
    },
  },
  async run({ values }) {
    const editor = values["print-config"]?.[0];
    const context = values.context?.[0];
    if (context !== undefined && !/^[1-9]\d{3,7}$/.test(context))
      throw new BrokeError("usage", "--context is a number of tokens", "from 1000 to 99999999");
    if (editor === undefined)
      return (await import("../acp.ts")).serveEditor({
        contextTokens: context === undefined ? undefined : Number(context),
      });
    const { join } = await import("node:path");
    const { editorConfig } = await import("#acp/editors.ts");
    const { homePath } = await import("#src/state/paths.ts");
    const command = join(import.meta.dir, "..", "..", "..", "shims", "broke");
    const { file, text } = editorConfig(editor, { command, home: homePath(process.env) });
    note(`for ${file}:`);
    answer(text);
    return 0;
  },
};
