// `broke completion <shell>`: a script that completes every command and option, made from the command tree.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answerBytes } from "../output.ts";

export const verb: Verb = {
  description: "Print a completion script for bash, zsh or fish",
  args: { shell: { type: "positional", description: "whose", valueHint: "bash|zsh|fish" } },
  async run({ values }) {
    const { completionScript, isShell, walkTree } = await import("../completion.ts");
    const shell = values.shell![0]!;
    if (!isShell(shell)) throw new BrokeError("usage", "the shell is bash, zsh or fish");
    const { root } = await import("../tree.ts");
    answerBytes(Buffer.from(completionScript(shell, await walkTree(root))));
    return 0;
  },
};
