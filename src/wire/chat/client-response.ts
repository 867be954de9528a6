// Canonical answer → Chat completion. Its order is fixed: thinking, text, calls. The tools of a refused answer are left out: they must not run.

import type { Json } from "#src/core/json.ts";
import type { CanonicalResponse, ToolCallBlock } from "../canonical.ts";
import { leavesHalves } from "../custom.ts";
import type { AnswerMeta } from "../dialect.ts";
import { estimateTokens } from "../estimate.ts";
import { answerHead, finishReason, isLegacy, usageMembers } from "./client-answer.ts";
import { makeThoughts } from "./client-thoughts.ts";

function callMember(call: ToolCallBlock, cut: boolean): { [key: string]: Json } {
  if (call.callKind === "custom") {
    return { id: call.id, type: "custom", custom: { name: call.name, input: call.argsRaw } };
  }
  const args = call.argsRaw.trim() === "" && !cut ? "{}" : call.argsRaw;
  return { id: call.id, type: "function", function: { name: call.name, arguments: args } };
}

/** The calls, or the first in the older form, which has no more. */
function callMembers(calls: ToolCallBlock[], cut: boolean, legacy: boolean): { [key: string]: Json } {
  const members = calls.map((call) => callMember(call, cut));
  const [first] = members;
  if (first === undefined) return {};
  return legacy ? { function_call: first["function"] ?? null } : { tool_calls: members };
}

/** The answer as one object. */
export function encodeResponse({ blocks, stop, usage }: CanonicalResponse, meta: AnswerMeta): Json {
  const refused = stop.kind === "refusal";
  const text = blocks.flatMap((block) => (block.kind === "text" ? [block.text] : [])).join("");
  const thoughts = makeThoughts();
  let reasoning = "";
  for (const block of blocks) {
    if (block.kind === "text") thoughts.text();
    else if (block.kind === "tool_call") thoughts.call(block.id);
    else if (block.kind === "thinking") {
      reasoning += block.text;
      thoughts.add({ text: block.text, proof: block.signature ?? block.redacted });
    }
  }
  const legacy = isLegacy(meta);
  const calls = blocks.filter((block) => block.kind === "tool_call" && block.callKind !== "server");
  const message = {
    role: "assistant",
    content: text === "" ? null : text,
    refusal: null,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...thoughts.members(),
    ...(refused ? {} : callMembers(calls as ToolCallBlock[], leavesHalves(stop), legacy)),
  };
  const output = usage === null ? estimateTokens(JSON.stringify(message).length) : 0;
  return {
    ...answerHead("chat.completion", meta),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(stop, legacy) }],
    usage: usageMembers(usage, { input: meta.estimate ?? 0, output }),
  };
}
