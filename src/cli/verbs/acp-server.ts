// `broke acp-server`: the agent an editor starts and talks to over standard input and output.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, note } from "../output.ts";
import { permissionArgs, permissionLists } from "../permission-args.ts";

const duration = (description: string) => ({ type: "string" as const, description, valueHint: "duration" });

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
    start: duration("how long a client may take to come up; 1m if left out"),
    idle: duration("how long one is kept that does nothing; 10m if left out"),
    quiet: duration("how long one may show nothing within a turn; 15m if left out"),
    ...permissionArgs,
    unmediated: {
      type: "boolean",
      description:
        "let clients have the machine as they would by themselves, without the sandbox; every session says so",
    },
  },
  lists: permissionLists,
  async run({ values, flags }) {
    const [editor, context] = [values["print-config"]?.[0], values.context?.[0]];
    if (context && !/^[1-9]\d{3,7}$/.test(context))
      throw new BrokeError("usage", "--context is a number of tokens", "from 1000 to 99999999");
    const { readPermissionFlags } = await import("#sandbox/permission-flags.ts");
    const { parseTimeout } = await import("#sandbox/limits.ts");
    const times = ["start", "idle", "quiet"].flatMap((name) =>
      (values[name] ?? []).map((said) => [`${name}Ms`, parseTimeout(said, name)]),
    );
    if (editor === undefined)
      return (await import("../acp.ts")).serveEditor({
        contextTokens: context ? Number(context) : undefined,
        patience: Object.fromEntries(times),
        permissions: readPermissionFlags({ flags, values }),
        unmediated: flags.has("unmediated"),
      });
    const { join } = await import("node:path");
    const { editorConfig } = await import("#acp/editors.ts");
    const { homePath } = await import("#src/state/paths.ts");
    const command = join(import.meta.dir, "..", "..", "..", "shims", "broke");
    const config = editorConfig(editor, { command, home: homePath(process.env) });
    note(`for ${config.file}:`);
    answer(config.text);
    return 0;
  },
};
