// `broke acp-server`: the agent an editor starts and talks to over standard input and output.

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
  },
  async run({ values }) {
    const editor = values["print-config"]?.[0];
    if (editor === undefined) return (await import("../acp.ts")).serveEditor();
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
