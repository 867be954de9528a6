// What our own agent says (acp/agent/protocol.ts), checked, and how its tools are shown to an editor. It lives in the sandbox with whatever it runs, so what
// comes from there is anybody's. Pure.

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { ToolCall, ToolCallContent, ToolKind } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import { type PromptPart, stopReasons } from "../agent/protocol.ts";
import type { PromptBlock } from "../schema.ts";

const text = v.string();
const id = v.pipe(text, v.maxLength(64));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const exit = v.object({ exit_code: v.nullable(v.number()), signal: v.nullable(v.pipe(text, v.maxLength(32))) });
const change = v.object({ path: text, before: v.nullable(text), after: text });

/** A line of its output. */
export const toldSchema = v.variant("kind", [
  v.object({ kind: v.picklist(["text", "thought"]), text }),
  v.object({
    kind: v.literal("tool"),
    ...{ id, name: text, input: v.record(text, v.unknown()), change: v.optional(change) },
  }),
  v.object({ kind: v.picklist(["ask", "started"]), id }),
  v.object({ kind: v.literal("printed"), id, text }),
  v.object({ kind: v.literal("ended"), id, ok: v.boolean(), text, exit: v.optional(exit) }),
  v.object({
    kind: v.literal("file"),
    ...{ id, act: v.picklist(["read", "write"]), path: text, text: v.optional(text), call: v.optional(id) },
  }),
  v.object({ kind: v.literal("usage"), used: count, size: count }),
  v.object({ kind: v.literal("end"), reason: v.picklist(stopReasons) }),
  v.object({ kind: v.literal("failed"), why: text }),
]);
export type ToldLine = v.InferOutput<typeof toldSchema>;

const kinds: Record<string, ToolKind> = {
  ...{ read_file: "read", list_files: "read", search: "search" },
  ...{ edit_file: "edit", write_file: "edit", run_command: "execute" },
};
/** A tool that is not known is asked about as one that runs something. */
export const kindOf = (name: string): ToolKind => (Object.hasOwn(kinds, name) ? kinds[name]! : "execute");

const MAX_TITLE = 200;
const verbs: Record<string, string> = {
  ...{ read_file: "Read", list_files: "List", search: "Search", edit_file: "Edit", write_file: "Write" },
};

function titleOf(name: string, input: Record<string, unknown>): string {
  const said = (key: string) => (typeof input[key] === "string" ? (input[key] as string) : undefined);
  const what = said("command") ?? said("pattern") ?? said("path");
  const verb = Object.hasOwn(verbs, name) ? `${verbs[name]!} ` : "";
  const title = what === undefined ? name : name === "run_command" ? what : `${verb}${what}`;
  return (title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE)}…` : title).toWellFormed() || name;
}

/** Of one text in an input, in characters. */
const MAX_INPUT = 64 * 1024;

/** A text of a length that editors take. What is cut is named by its hash: what is allowed for a session is told apart by it. */
function bounded(value: unknown): unknown {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= MAX_INPUT) return value;
  const hash = createHash("sha256").update(text).digest("hex");
  return `${text.slice(0, MAX_INPUT)}\n[cut, sha256 ${hash}]`.toWellFormed();
}

/** A tool that the model wants to use, in a session whose folder is `cwd`. */
export function toolCallOf(
  { id, name, input, change: made }: Extract<ToldLine, { kind: "tool" }>,
  cwd: string,
): ToolCall {
  const diff: ToolCallContent[] =
    made === undefined
      ? []
      : [{ type: "diff", path: resolve(cwd, made.path), oldText: made.before, newText: made.after }];
  const rawInput = Object.fromEntries(Object.entries(input).map(([key, value]) => [key, bounded(value)]));
  const path = made?.path ?? (typeof input["path"] === "string" ? input["path"] : undefined);
  return {
    ...{ toolCallId: id, title: titleOf(name, input), name, kind: kindOf(name), status: "pending", rawInput },
    ...{ content: diff, locations: path === undefined ? [] : [{ path: resolve(cwd, path) }] },
  };
}

/** What came of it. */
export const contentOf = (text: string): ToolCallContent[] =>
  text === "" ? [] : [{ type: "content", content: { type: "text", text: text.toWellFormed() } }];

/** A prompt as the agent takes it. */
export function partsOf(blocks: readonly PromptBlock[]): PromptPart[] {
  return blocks.map((block): PromptPart => {
    if (block.type === "text") return { type: "text", text: block.text.toWellFormed() };
    if (block.type === "image") return { type: "image", mimeType: block.mimeType, data: block.data };
    const { uri, words } =
      block.type === "resource_link"
        ? { uri: block.uri, words: block.name }
        : { uri: block.resource.uri, words: "text" in block.resource ? String(block.resource["text"]) : "(not text)" };
    return { type: "text", text: `<context uri=${JSON.stringify(uri)}>\n${words}\n</context>`.toWellFormed() };
  });
}
