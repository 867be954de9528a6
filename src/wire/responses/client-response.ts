// Canonical answer → response object, its items in the answer's order. The tools of a refused answer are left out, and a call that a limit cut:
// they must not run.

import { type Json, parseJson } from "#src/core/json.ts";
import type { Block, BlockHead, CanonicalResponse, ToolCallBlock } from "../canonical.ts";
import type { AnswerMeta } from "../dialect.ts";
import { estimateTokens } from "../estimate.ts";
import { isObject } from "../schema.ts";
import { type Ending, endingOf, itemId, itemOf, responseObject, usageMembers } from "./client-answer.ts";

type Said = { head: BlockHead; said: string; status: Ending["status"]; signature?: string };

/** Half of free text looks like all of it: the last call before a limit is taken for half. */
function isHalf(call: ToolCallBlock, said: string, last: boolean): boolean {
  return call.callKind === "custom" ? last : !isObject(parseJson(said));
}

function saidOf(block: Block, last: boolean, { status }: Ending, refused: boolean): Said[] {
  switch (block.kind) {
    case "text":
      if (block.text === "") return [];
      return [{ head: { kind: "text" }, said: block.text, status: last ? status : "completed" }];
    case "thinking": {
      const { text, signature, redacted, origin } = block;
      if (text === "" && !signature && !redacted) return [];
      const head = { kind: "thinking", origin, ...(redacted ? { redacted } : {}) } as const;
      return [{ head, said: text, status: "completed", ...(signature ? { signature } : {}) }];
    }
    case "tool_call": {
      if (refused || block.callKind === "server") return [];
      const { argsRaw, cache: _, ...head } = block;
      const said = block.callKind === "function" && argsRaw.trim() === "" ? "{}" : argsRaw;
      if (status === "incomplete" && isHalf(block, said, last)) return [];
      return [{ head, said, status: "completed" }];
    }
    default:
      return [];
  }
}

/** The answer as one object. */
export function encodeResponse({ blocks, stop, usage }: CanonicalResponse, meta: AnswerMeta): Json {
  const ending = endingOf(stop);
  const all = blocks.flatMap((block, index) =>
    saidOf(block, index === blocks.length - 1, ending, stop.kind === "refusal"),
  );
  const output = all.map(({ head, said, status, signature }, index) =>
    itemOf(head, itemId(head, meta.id, index), said, status, signature),
  );
  const characters = all.reduce((sum, { said }) => sum + said.length, 0);
  const estimate = { input: meta.estimate ?? 0, output: estimateTokens(characters) };
  return responseObject(meta, { ...ending, output, usage: usageMembers(usage, estimate) });
}
