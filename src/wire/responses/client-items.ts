// A Responses client's input items → canonical messages. What one side says in a row comes item by item here and is one turn elsewhere:
// reasoning, text and calls of the model; the outputs of its tools.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { Block, CallKind, Message, ThinkingBlock, Tool } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { unsealThinking } from "../seal.ts";
import { decodeContent, decodeOutput } from "./client-content.ts";
import * as schema from "./client-schema.ts";
import { decodeTools } from "./client-tools.ts";

/** Items only OpenAI understands, by who says them; any other is told to the model as something left out. */
const BY_MODEL = /_call$|^program$|^mcp_list_tools$|^mcp_approval_request$/;
const BY_TOOLS = /_(output|response)$/;

/**
 * Thinking that OpenAI encrypted is of use with the id of its item only, so both are kept in one signature: `id:encrypted_content`, split
 * at the first colon where it is sent. What we sealed ourselves holds what its own provider wants back.
 */
function decodeReasoning(raw: Json, path: string): ThinkingBlock[] {
  const { id, summary, content, encrypted_content: proof } = read(schema.reasoning, raw, path);
  const texts = summary?.length ? summary : (content ?? []);
  const text = texts.map((part) => part.text).join("\n\n");
  if (!proof) return text === "" ? [] : [{ kind: "thinking", text, origin: null }];
  const minted = unsealThinking(proof, "openai-responses");
  const native = minted.scope === undefined ? { signature: `${id ?? ""}:${proof}` } : {};
  return [{ kind: "thinking", text, ...minted, ...native }];
}

function decodeCall(raw: Json, path: string, callKind: CallKind): Block {
  const call =
    callKind === "custom"
      ? (({ input, ...rest }) => ({ ...rest, argsRaw: input }))(read(schema.customCall, raw, path))
      : (({ arguments: argsRaw, ...rest }) => ({ ...rest, argsRaw }))(read(schema.functionCall, raw, path));
  const { call_id: id, name, namespace, argsRaw } = call;
  return { kind: "tool_call", id, name, ...(namespace ? { namespace } : {}), argsRaw, callKind };
}

type Decoded = { system: Block[]; messages: Message[]; tools: Tool[] };

/** The system prompt (what stands before anything else is said), the conversation, and tools added on the way. Throws `usage` naming the path. */
export function decodeInput(input: string | Json[], losses: LossList): Decoded {
  const system: Block[] = [];
  const messages: Message[] = [];
  const tools: Tool[] = [];
  if (typeof input === "string") {
    const blocks = decodeContent(input, "input", losses);
    return { system, messages: blocks.length === 0 ? [] : [{ role: "user", blocks, path: "input" }], tools };
  }
  // Stays open until the model speaks again: a picture between two outputs must not part them.
  let results: Message | undefined;

  const think = (blocks: Block[], path: string) => {
    if (blocks.length === 0) return;
    results = undefined;
    const last = messages.at(-1);
    if (last?.role === "assistant") last.blocks.push(...blocks);
    else messages.push({ role: "assistant", blocks, path });
  };
  const answer = (block: Block, path: string) => {
    if (results !== undefined) return void results.blocks.push(block);
    results = { role: "user", blocks: [block], path };
    messages.push(results);
  };
  const say = (raw: Json, path: string) => {
    const { role, content } = read(schema.message, raw, path);
    const blocks = decodeContent(content, `${path}.content`, losses);
    if (role === "assistant") return think(blocks, path);
    if (role !== "user" && messages.length === 0) system.push(...blocks);
    else if (blocks.length > 0) messages.push({ role, blocks, path });
  };
  const carry = (raw: Json, type: string, path: string) => {
    const block: Block = { kind: "opaque", dialect: "openai-responses", type, raw };
    if (BY_MODEL.test(type)) think([block], path);
    else if (BY_TOOLS.test(type)) answer(block, path);
    else messages.push({ role: "user", blocks: [block], path });
  };

  input.forEach((raw, index) => {
    const path = `input[${index}]`;
    const head = read(schema.itemHead, raw, path);
    const type = head.type ?? (head.role ? "message" : "item_reference");
    switch (type) {
      case "message":
        return say(raw, path);
      case "reasoning":
        return think(decodeReasoning(raw, path), path);
      case "function_call":
        return think([decodeCall(raw, path, "function")], path);
      case "custom_tool_call":
        return think([decodeCall(raw, path, "custom")], path);
      case "function_call_output":
      case "custom_tool_call_output": {
        // An output may name its tool instead of its call: only OpenAI knows which one is meant.
        if (isObject(raw) && !raw["call_id"]) return carry(raw, type, path);
        const { call_id: callId, output } = read(schema.output, raw, path);
        const content = decodeOutput(output, `${path}.output`, losses);
        return answer({ kind: "tool_result", callId, isError: false, content }, path);
      }
      case "additional_tools":
        return void tools.push(...decodeTools(read(schema.additionalTools, raw, path).tools, `${path}.tools`, losses));
      case "item_reference":
        throw new BrokeError("usage", `${path}: answers are not stored here; send the item itself`);
      default:
        return carry(raw, type, path);
    }
  });
  return { system, messages, tools };
}
