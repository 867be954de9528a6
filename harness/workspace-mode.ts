// What a run works on: the workspace itself, or something made from it that the operator takes over afterwards. Pure.

import { BrokeError } from "#src/core/errors.ts";

export const workspaceModes = ["direct", "worktree", "copy", "overlay"] as const;
export type WorkspaceMode = (typeof workspaceModes)[number];

/**
 * The mode of a run: the one asked for, else a tree of its own where nobody watches and a policy decides what becomes of the work, else the
 * workspace itself. Throws `usage` for an unknown word.
 */
export function chooseMode(run: {
  asked: string | undefined;
  interactive: boolean;
  policy: boolean;
  isRepository: boolean;
}): WorkspaceMode {
  if (run.asked !== undefined) {
    const found = workspaceModes.find((mode) => mode === run.asked);
    if (found !== undefined) return found;
    throw new BrokeError("usage", "unknown workspace mode", `use one of: ${workspaceModes.join(", ")}`);
  }
  if (run.interactive || !run.policy) return "direct";
  return run.isRepository ? "worktree" : "copy";
}
