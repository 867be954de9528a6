// Canonical answer → generateContent response, its parts in the answer's order. The tools of a refused answer are left out, and a call that a
// limit cut: they must not run.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalResponse, ToolCallBlock } from "../canonical.ts";
import { inputOf } from "../custom.ts";
import type { AnswerMeta } from "../dialect.ts";
import { estimateTokens } from "../estimate.ts";
import { callPart, finishReason, lastChunk, type Part, showsThoughts, signed, usageMembers } from "./client-answer.ts";

/** The call's part; undefined when a limit cut it. */
function partOf(call: ToolCallBlock, cut: boolean): Part | undefined {
  const args = inputOf(call);
  if (args !== undefined) return callPart(call.id, call.name, args);
  if (cut) return undefined;
  throw new BrokeError("upstream", "the model called a tool with arguments that are no JSON object");
}

function lengthOf(block: Block): number {
  return block.kind === "tool_call" ? block.argsRaw.length : "text" in block ? block.text.length : 0;
}

/** The answer as one object. Throws `upstream` when a call's arguments are no JSON object. */
export function encodeResponse({ blocks, stop, usage }: CanonicalResponse, meta: AnswerMeta): Json {
  const reason = finishReason(stop);
  const shows = showsThoughts(meta);
  const parts: Part[] = [];
  let proof: string | undefined;
  const flush = () => {
    if (proof !== undefined) parts.push(signed({ text: "" }, proof));
    proof = undefined;
  };
  const add = (part: Part) => {
    parts.push(signed(part, proof));
    proof = undefined;
  };
  for (const block of blocks) {
    if (block.kind === "thinking") {
      flush();
      if (shows && block.text !== "") parts.push({ text: block.text, thought: true });
      proof = block.signature ?? block.redacted;
    } else if (block.kind === "text" && block.text !== "") add({ text: block.text });
    else if (block.kind === "tool_call" && block.callKind !== "server" && stop.kind !== "refusal") {
      const part = partOf(block, reason === "MAX_TOKENS");
      if (part !== undefined) add(part);
    }
  }
  flush();
  const estimate = {
    input: meta.estimate ?? 0,
    output: estimateTokens(blocks.reduce((sum, block) => sum + lengthOf(block), 0)),
  };
  return lastChunk(meta, parts, reason, parts.length > 0, usageMembers(usage, estimate));
}
