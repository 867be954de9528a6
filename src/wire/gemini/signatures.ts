// Where a thought signature stands. Google puts it on a part (a call, a text, an empty text behind all others); canonically it belongs to the
// thinking in front of what it was put on, which may be thinking without words. Never part of an id.

import type { Block, ThinkingBlock } from "../canonical.ts";
import { unsealThinking } from "../seal.ts";

/** What Google takes where a signature is missing ("Thought signatures" in its guides). It proves nothing. */
export const SENTINEL = "skip_thought_signature_validator";

export type Proof = Pick<ThinkingBlock, "signature" | "redacted" | "scope"> & {
  origin: NonNullable<ThinkingBlock["origin"]>;
};

/** What a part's `thoughtSignature` proves; undefined when it proves nothing. */
export function proofOf(signature: string | null | undefined): Proof | undefined {
  return !signature || signature === SENTINEL ? undefined : unsealThinking(signature, "gemini");
}

const isUnproven = (block: Block | undefined): block is ThinkingBlock =>
  block?.kind === "thinking" && !block.signature && !block.redacted;

/** Adds the block of one part, and what its signature proves. Thoughts that come in pieces are one thought. */
export function addProven(blocks: Block[], block: Block | undefined, proof: Proof | undefined): void {
  const last = blocks.at(-1);
  if (block?.kind === "thinking") {
    const said = isUnproven(last) ? last.text : "";
    if (isUnproven(last)) blocks.pop();
    blocks.push({ ...block, text: said + block.text, ...proof });
    return;
  }
  if (proof !== undefined) {
    if (isUnproven(last)) blocks[blocks.length - 1] = { ...last, ...proof };
    else blocks.push({ kind: "thinking", text: "", ...proof });
  }
  if (block !== undefined) blocks.push(block);
}
