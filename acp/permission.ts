// The one place where a tool's wish to be used is answered: by the mode, by what was said for the whole session, else by the person at the editor.
// Whatever is not a plain yes is a no.
// Does not stop: a person who says yes.

import type { PermissionOption, RequestPermissionRequest } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import { decide, type Mode } from "./modes.ts";
import type { Ask } from "./runtime.ts";

const options: PermissionOption[] = [
  { optionId: "allow", name: "Allow", kind: "allow_once" },
  { optionId: "allow_always", name: "Allow for this session", kind: "allow_always" },
  { optionId: "reject", name: "Reject", kind: "reject_once" },
];

const answerSchema = v.object({
  outcome: v.variant("outcome", [
    v.object({ outcome: v.literal("selected"), optionId: v.string() }),
    v.object({ outcome: v.literal("cancelled") }),
  ]),
});

/** What was answered, and by whom. */
export type Answered = { allowed: boolean; by: "mode" | "session" | "editor" | "nobody" };

export type Mediator = {
  /** Never rejects. */
  answer(ask: Ask, mode: Mode, signal: AbortSignal): Promise<Answered>;
};

/** `request` asks the editor, and rejects when nobody answers. */
export function makeMediator(
  sessionId: string,
  request: (params: RequestPermissionRequest, signal: AbortSignal) => Promise<unknown>,
): Mediator {
  /** Tools that were allowed until the session ends, of commands, and of tools without a name, each with its very words: a title is cut short. Never handed to the client. */
  const always = new Set<string>();
  const keyOf = ({ toolCall: { name, title, rawInput }, kind }: Ask) => {
    const { description: _, timeout: __, ...input } = (rawInput ?? {}) as Record<string, unknown>;
    return JSON.stringify([kind, name, kind === "execute" || name == null ? [title, input] : null]);
  };
  return {
    async answer(ask, mode, signal) {
      const decided = decide(mode, ask.kind);
      if (decided !== "ask") return { allowed: decided === "allow", by: "mode" };
      if (always.has(keyOf(ask))) return { allowed: true, by: "session" };
      let said: unknown;
      try {
        said = await request({ sessionId, toolCall: ask.toolCall, options }, signal);
      } catch {
        return { allowed: false, by: "nobody" };
      }
      const parsed = v.safeParse(answerSchema, said);
      if (!parsed.success || signal.aborted || parsed.output.outcome.outcome !== "selected")
        return { allowed: false, by: "editor" };
      const { optionId } = parsed.output.outcome;
      if (optionId === "allow_always") always.add(keyOf(ask));
      return { allowed: optionId === "allow" || optionId === "allow_always", by: "editor" };
    },
  };
}
