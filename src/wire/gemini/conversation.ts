// Canonical messages → Gemini contents. Google wants the results of one turn's calls together, right behind the turn that called and with nothing
// beside them; thought signatures go back only to the backend that minted them, each on the part it came with.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Message, ToolCallBlock } from "../canonical.ts";
import { systemText } from "../chat/content.ts";
import { inputOf } from "../custom.ts";
import { LOST_THINKING, type LossList } from "../losses.ts";
import { fitCallId, type ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { answerCalls, collectResults, type PlacedResult, type Results } from "../results.ts";
import { isMintedBy } from "../seal.ts";
import { blockParts, contentParts, type Part } from "./content.ts";
import { excuseUnsigned } from "./signatures.ts";

/** `results`: nothing but results of tools. */
type Turn = { role: "user" | "model"; parts: Part[]; results: boolean };
type Context = { quirks: Quirks; scope: string; names: ToolNames; losses: LossList };

function callPart(call: ToolCallBlock, path: string, { names, quirks, losses }: Context): Part {
  const args = inputOf(call);
  if (args === undefined) losses.add(path, "arguments of an earlier call", "they are not a JSON object");
  const id = fitCallId(call.id, quirks.callIds);
  return { functionCall: { id, name: names.out(call.name, call.namespace), args: args ?? {} } };
}

/** A model's turn. What it thought goes back as its signature alone: Google keeps the thought in it. */
function modelTurn({ blocks, path }: Message, context: Context): { parts: Part[]; calls: ToolCallBlock[] } {
  const { losses, scope } = context;
  const calls: ToolCallBlock[] = [];
  const parts: Part[] = [];
  let signature: string | undefined;
  const add = (part: Part) => {
    parts.push(signature === undefined ? part : { ...part, thoughtSignature: signature });
    signature = undefined;
  };
  const flush = () => void (signature === undefined || add({ text: "" }));
  blocks.forEach((block, index) => {
    const at = `${path}.content[${index}]`;
    if (block.kind === "thinking") {
      flush();
      if (isMintedBy(block, "gemini", scope)) ({ signature } = block);
      else losses.add(at, "thinking", LOST_THINKING);
    } else if (block.kind === "text") {
      if (block.text !== "") add({ text: block.text });
    } else if (block.kind === "tool_call" && block.callKind !== "server") {
      calls.push(block);
      add(callPart(block, at, context));
    } else {
      const what =
        block.kind === "opaque" ? block.type : block.kind === "tool_call" ? `${block.callKind} tool call` : block.kind;
      losses.add(at, what, "Gemini has no form for it in a model's turn");
    }
  });
  flush();
  return { parts, calls };
}

/** A result's part; pictures go to `shown`, since older models take none beside a result. */
function resultPart(
  call: ToolCallBlock,
  placed: PlacedResult,
  shown: Part[],
  { names, quirks, losses }: Context,
): Part {
  const lines = contentParts(placed.block.content, `${placed.path}.content`, losses).map((part) => {
    if (typeof part["text"] === "string") return part["text"];
    shown.push(part);
    return `[file ${shown.length}: shown after the results]`;
  });
  const said = lines.join("\n");
  const id = fitCallId(call.id, quirks.callIds);
  const response = placed.block.isError ? { error: said } : { output: said };
  return { functionResponse: { id, name: names.out(call.name, call.namespace), response } };
}

function resultTurns(calls: ToolCallBlock[], after: number, results: Results, context: Context): Turn[] {
  const shown: Part[] = [];
  const parts = calls.flatMap((call): Part[] => {
    const placed = results.take(call.id, after);
    return placed === undefined ? [] : [resultPart(call, placed, shown, context)];
  });
  const files = shown.flatMap((part, index) => [{ text: `File ${index + 1} of the results above:` }, part]);
  return [
    { role: "user", parts, results: true },
    { role: "user", parts: files, results: false },
  ];
}

/** A user's turn without the results that were moved up to their calls. */
function userParts({ blocks, path }: Message, results: Results, { losses }: Context): Part[] {
  return blocks.flatMap((block, index): Part[] => {
    const at = `${path}.content[${index}]`;
    if (block.kind !== "tool_result") return blockParts(block, at, losses);
    if (results.left(block) === undefined) return [];
    losses.add(at, "tool result", "no tool call before it has this id");
    return contentParts(block.content, `${at}.content`, losses);
  });
}

/** The conversation; the system prompt is not part of it. */
export function encodeContents(given: CanonicalRequest, context: Context): Json[] {
  const { losses, quirks } = context;
  const request = answerCalls(given, losses);
  const results = collectResults(request);
  const turns: Turn[] = [];
  const say = (turn: Turn) => {
    if (turn.parts.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === turn.role && !last.results && !turn.results) last.parts.push(...turn.parts);
    else turns.push(turn);
  };
  request.messages.forEach((message, index) => {
    const { role, blocks, path } = message;
    if (role === "assistant") {
      const { parts, calls } = modelTurn(message, context);
      say({ role: "model", parts, results: false });
      resultTurns(calls, index, results, context).forEach(say);
    } else if (role === "user" || role === "tool") {
      say({ role: "user", parts: userParts(message, results, context), results: false });
    } else {
      losses.add(path, "role of a later system message", "Gemini has one system prompt, at the start");
      const text = systemText(blocks, `${path}.content`, losses);
      say({ role: "user", parts: text === "" ? [] : [{ text }], results: false });
    }
  });
  if (turns[0]?.role === "model") {
    losses.add("messages", "conversation that begins with an answer", "Gemini's begin with a user");
    turns.unshift({ role: "user", parts: [{ text: "(The conversation goes on from here.)" }], results: false });
  }
  const contents = turns.map(({ role, parts }) => ({ role, parts }));
  return quirks.reasoningEffort ? excuseUnsigned(contents) : contents;
}
