// Where a thought signature stands. Google puts it on a part (a call, a text, an empty text behind all others); canonically it belongs to the
// thinking in front of what it was put on, which may be thinking without words. Never part of an id.

import type { Json } from "#src/core/json.ts";
import type { Block, ThinkingBlock } from "../canonical.ts";
import { isObject } from "../schema.ts";
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

/** A signature's member, as Google writes it and as it reads it too. */
export const SIGNATURES = ["thoughtSignature", "thought_signature"];
const CALLS = ["functionCall", "function_call"];
const RESULTS = ["functionResponse", "function_response"];

const has = (part: Json, names: readonly string[]) => isObject(part) && names.some((name) => Boolean(part[name]));
const partsOf = (content: Json): Json[] =>
  isObject(content) && Array.isArray(content["parts"]) ? content["parts"] : [];
/** Whether a part is a call. */
export const isCall = (part: Json) => has(part, CALLS);
const isModels = (content: Json) =>
  isObject(content) && (content["role"] ? content["role"] === "model" : partsOf(content).some(isCall));
/** What is not a tool's result begins another turn. */
const asks = (content: Json) => !isModels(content) && !partsOf(content).every((part) => has(part, RESULTS));

/**
 * Contents with the sentinel where a signature is missing: since Gemini 3 every step of the current turn must have one on its first call, and what
 * another model called has none.
 */
export function excuseUnsigned(contents: readonly Json[]): Json[] {
  const asked = contents.findLastIndex(asks);
  return contents.map((content, index) => {
    if (index <= asked || !isObject(content) || !isModels(content)) return content;
    const parts = partsOf(content);
    const first = parts.findIndex(isCall);
    const part = parts[first];
    if (!isObject(part) || has(part, SIGNATURES)) return content;
    return { ...content, parts: parts.with(first, { ...part, thoughtSignature: SENTINEL }) };
  });
}
