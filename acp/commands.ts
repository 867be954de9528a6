// Slash commands that are answered here, without a model: what a prompt of one line asks for, and what may be asked. Pure. What each does is given by
// who wires the server.

import type { AvailableCommand } from "@agentclientprotocol/sdk";
import type { KeptRun } from "./keep.ts";
import type { Choices } from "./modes.ts";
import type { PromptBlock, SessionUpdate } from "./schema.ts";

/** What was answered when a tool wanted to be used. */
export type Permitted = { tool: string; allowed: boolean; by: string };

/** The session a command is given in. */
export type CommandContext = {
  cwd: string;
  choices: Choices;
  runs: readonly KeptRun[];
  permitted: readonly Permitted[];
  /** Ends the client, so that its run is judged; the next prompt starts another. */
  endRun(): Promise<void>;
  /** Lets a lane that is held back try again; false: nothing was held against it. */
  clearLane(lane: string): boolean;
};

export type Command = {
  description: string;
  /** What stands behind it; undefined: nothing does. */
  hint?: string;
  /** The answer, in words. Throws `BrokeError`. */
  run(words: string[], context: CommandContext): string | Promise<string>;
};
export type Commands = Readonly<Record<string, Command>>;

/** The command a prompt is, if it is one of these; every other text is for the model. */
export function commandIn(
  blocks: readonly PromptBlock[],
  commands: Commands,
): { command: Command; words: string[] } | undefined {
  const [only, more] = blocks;
  if (only?.type !== "text" || more !== undefined) return undefined;
  const [, name = "", rest = ""] = /^\s*\/([a-z]+)(?:[ \t]+([^\n]*))?\s*$/.exec(only.text) ?? [];
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return command && { command, words: rest.split(/\s+/).filter((word) => word !== "") };
}

/** As editors are told of them: ours, then the client's own that are not called the same. */
export function commandsUpdate(commands: Commands, own: readonly AvailableCommand[]): SessionUpdate {
  const ours = Object.entries(commands).map(([name, { description, hint }]) => ({
    ...{ name, description },
    ...(hint === undefined ? {} : { input: { hint } }),
  }));
  const others = own.filter(({ name }) => !Object.hasOwn(commands, name));
  return { sessionUpdate: "available_commands_update", availableCommands: [...ours, ...others] };
}
