// What the agent and its model have said, kept well-formed whatever happened, and within the model's context: when it comes near, old results of tools are
// cut short first, then the model sums up what is older than the last steps. The task of the turn stays as it was written.

import type { Answer, Message, Model } from "./model.ts";
import { ModelError } from "./model.ts";
import type { PromptPart } from "./protocol.ts";
import { headAndTail, objectIn } from "./tool.ts";

const CHARS_A_TOKEN = 4;
const IMAGE_CHARS = 6000;
/** Shares of the context: where it is near, what cutting must come to, and what of the last steps is kept as it is. */
const NEAR = 0.8;
const ENOUGH = 0.6;
const KEPT = 0.25;
/** Messages at the end whose results are not cut. */
const FRESH = 4;
const OLD_RESULT = 300;
const TOLD_RESULT = 1500;
const KEPT_RESULT = 2000;

const SUMMARISER =
  "You sum up the work of a coding agent so that it can go on without the conversation. Answer with the summary alone: what the user wants and every condition they named; what was found out, with paths and names; what was changed; what was tried and failed; what is left to do. Leave nothing out that would have to be found out again.";

export type Conversation = {
  prompt(parts: readonly PromptPart[]): void;
  /** An answer; `ids` are those of its calls, each once. Every call wants its result before the next request. */
  answered(answer: Pick<Answer, "text" | "calls" | "reasoning" | "tokens">, ids: readonly string[]): void;
  result(id: string, text: string): void;
  /** The messages of the next request, in a context they fit. Rejects as aborted. `onCompacted` is told the tokens before and after. */
  request(model: Model, signal: AbortSignal, onCompacted: (before: number, after: number) => void): Promise<Message[]>;
  /** Tokens so far, as far as they are known. */
  used(): number;
  size: number;
};

type User = Extract<Message, { role: "user" }>;

function partsOf(parts: readonly PromptPart[]): User["content"] {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
  if (parts.every(({ type }) => type === "text")) return text;
  const images = parts.flatMap((part) =>
    part.type === "image"
      ? [{ type: "image_url", image_url: { url: `data:${part.mimeType};base64,${part.data}` } }]
      : [],
  );
  return [{ type: "text", text }, ...images];
}

function joined(a: User["content"], b: User["content"]): User["content"] {
  if (typeof a === "string" && typeof b === "string") return `${a}\n\n${b}`;
  const list = (content: User["content"]) =>
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  return [...list(a), ...list(b)];
}

function charsOf(message: Message): number {
  if (typeof message.content !== "string")
    return message.content.reduce((sum, part) => sum + ("text" in part ? String(part.text).length : IMAGE_CHARS), 0);
  return message.content.length + ("tool_calls" in message ? JSON.stringify(message.tool_calls).length : 0);
}
const tokensOf = (messages: readonly Message[]) =>
  Math.ceil(messages.reduce((sum, message) => sum + charsOf(message) + 16, 0) / CHARS_A_TOKEN);

const wordsOf = (content: User["content"]) =>
  typeof content === "string"
    ? content
    : content.map((part) => ("text" in part ? String(part.text) : "[image]")).join("\n");

/** A message as the summariser reads it. */
function told(message: Message): string {
  if (message.role === "tool") return `result: ${headAndTail(message.content, TOLD_RESULT)}`;
  const calls = message.role === "assistant" ? (message.tool_calls ?? []) : [];
  const made = calls.map(
    ({ function: { name, arguments: args } }) => `\ncall ${name} ${headAndTail(args, TOLD_RESULT)}`,
  );
  return `${message.role}: ${wordsOf(message.content)}${made.join("")}`;
}

/** With the results of tools cut to a length, but those of the last messages. */
const cutResults = (messages: readonly Message[], fresh: number, most: number): Message[] =>
  messages.map((message, at) =>
    message.role === "tool" && at < messages.length - fresh
      ? { ...message, content: headAndTail(message.content, most) }
      : message,
  );

/** Where the last steps begin that are kept: at an answer after the task, of as many as fit. The end, where none does. */
function tailFrom(messages: readonly Message[], task: number, most: number): number {
  let from = messages.length;
  for (let at = messages.length - 1; at > task; at--) {
    if (tokensOf(messages.slice(at)) > most) break;
    if (messages[at]!.role === "assistant") from = at;
  }
  return from;
}

/** A conversation whose model is told `system`, with a context of `size` tokens. */
export function openConversation(system: string, size: number): Conversation {
  let messages: Message[] = [];
  /** What a provider counts beyond our estimate. */
  let beyond = 0;
  const head: Message = { role: "system", content: system };
  const used = () => tokensOf([head, ...messages]) + beyond;

  const sumUp = async (older: readonly Message[], model: Model, signal: AbortSignal): Promise<string> => {
    const text = headAndTail(older.map(told).join("\n\n"), Math.floor(size * ENOUGH * CHARS_A_TOKEN));
    try {
      const ask: Message[] = [
        { role: "system", content: SUMMARISER },
        { role: "user", content: `The conversation so far:\n\n${text}` },
      ];
      const answer = await model({ messages: ask, tools: [] }, { text() {}, thought() {} }, signal);
      if (answer.text.trim() !== "") return answer.text;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
    }
    return "[what was said and done before could not be summed up and is gone]";
  };

  const compact = async (model: Model, signal: AbortSignal): Promise<void> => {
    messages = cutResults(messages, FRESH, OLD_RESULT);
    if (used() <= size * ENOUGH) return;
    const at = messages.findLastIndex(({ role }) => role === "user");
    const from = tailFrom(messages, at, size * KEPT);
    const older = messages.slice(0, from).toSpliced(at, 1);
    if (older.length > 0) {
      const summary = await sumUp(older, model, signal);
      const task = messages[at] as User;
      const words = `[What was said and done so far, summed up:]\n${summary}`;
      messages = [{ role: "user", content: joined(task.content, words) }, ...messages.slice(from)];
    }
    beyond = 0;
    if (used() > size * NEAR) messages = cutResults(messages, 0, KEPT_RESULT);
  };

  return {
    size,
    used,
    prompt(parts) {
      const content = partsOf(parts);
      const last = messages.at(-1);
      // One that was never answered: two of the same speaker in a row are more than some providers take.
      if (last?.role === "user") last.content = joined(last.content, content);
      else messages.push({ role: "user", content });
    },
    answered({ text, calls, reasoning, tokens }, ids) {
      const made = calls.map(({ name, args }, at) => ({
        ...{ id: ids[at]!, type: "function" as const },
        // Providers refuse to read again what was no JSON when it was written.
        function: {
          name: name === "" ? "unknown" : name,
          arguments: objectIn(args) === undefined ? "{}" : args || "{}",
        },
      }));
      if (text === "" && made.length === 0) return;
      messages.push({
        ...{ role: "assistant", content: text },
        ...(made.length === 0 ? {} : { tool_calls: made }),
        ...(reasoning.length === 0 ? {} : { reasoning_details: reasoning }),
      });
      if (tokens !== undefined) beyond = Math.max(0, tokens - tokensOf([head, ...messages]));
    },
    result(id, text) {
      messages.push({ role: "tool", tool_call_id: id, content: text });
    },
    async request(model, signal, onCompacted) {
      const before = used();
      if (before > size * NEAR) {
        await compact(model, signal);
        onCompacted(before, used());
      }
      return [head, ...messages];
    },
  };
}
