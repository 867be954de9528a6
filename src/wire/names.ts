// Tool names and call ids that fit the other side: the same input always gives the same output, two inputs never the same one. Nothing is
// hidden inside a name or id but a hash.

import { createHash, randomUUID } from "node:crypto";
import type { CallKind, CanonicalRequest, Tool } from "./canonical.ts";
import type { Quirks } from "./quirks.ts";

const FITTING = /^[a-zA-Z0-9_-]+$/;
const HASH_LENGTH = 10;
/** OpenAI's Chat API refuses longer ones; Anthropic takes them too, so an id keeps its shape on the way back. */
const MAX_ID_LENGTH = 40;

function fit(text: string, maxLength: number): string {
  if (text.length <= maxLength && FITTING.test(text)) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH);
  const kept = text.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, maxLength - HASH_LENGTH - 1);
  return `${kept}_${hash}`;
}

/** A call id both Anthropic (`^[a-zA-Z0-9_-]+$`) and OpenAI Chat (at most 40 characters) take, or one of Mistral's nine. */
export function fitCallId(id: string, rule: Quirks["callIds"] = "any"): string {
  if (rule === "any") return fit(id, MAX_ID_LENGTH);
  if (/^[a-zA-Z0-9]{9}$/.test(id)) return id;
  return createHash("sha256").update(id).digest("hex").slice(0, 9);
}

/** A tool as the client knows it. */
export type KnownTool = { name: string; namespace?: string; callKind: CallKind };

export type ToolNames = {
  /** The name the provider sees. */
  out(name: string, namespace?: string): string;
  /** The client's own tool behind what the provider calls. */
  back(name: string): KnownTool;
};

/**
 * Names for one request's tools, at most `maxLength` characters of `[a-zA-Z0-9_-]`; a namespace goes in front. `begin`: how a name has to
 * begin; another one gets a `_` in front.
 */
export function makeToolNames(tools: readonly Tool[], maxLength: number, begin = /^/): ToolNames {
  const plain = new Map<string, string>();
  const inNamespaces = new Map<string, string>();
  const toClient = new Map<string, KnownTool>();
  const add = (name: string, namespace?: string, callKind: CallKind = "function"): string => {
    const known = namespace === undefined ? plain : inNamespaces;
    const key = namespace === undefined ? name : JSON.stringify([namespace, name]);
    const given = known.get(key);
    if (given !== undefined) return given;
    const whole = namespace === undefined ? name : `${namespace}__${name}`;
    let fitted = fit(begin.test(whole) ? whole : `_${whole}`, maxLength);
    // Only a client that spells out another tool's shortened name gets here.
    while (toClient.has(fitted)) fitted = fit(`${fitted} `, maxLength);
    known.set(key, fitted);
    toClient.set(fitted, namespace === undefined ? { name, callKind } : { name, namespace, callKind });
    return fitted;
  };
  for (const tool of tools) if (tool.kind !== "server") add(tool.name, tool.namespace, tool.kind);
  return {
    out: (name, namespace) => add(name, namespace),
    back: (name) => toClient.get(name) ?? { name, callKind: "function" },
  };
}

/** How an answer's calls are called on the client's side. */
export type AnswerNames = {
  /** The client's id for a provider's, or for the lack of one. */
  identify(id: string | undefined): string;
  tool(name: string): KnownTool;
};

const randomId = () => `call_${randomUUID().replaceAll("-", "")}`;

/**
 * Names for one answer to a request. Ids the client has seen are not used again: servers that count from zero in every answer would give it
 * the same one twice.
 */
export function makeAnswerNames(request: CanonicalRequest, names: ToolNames, newId = randomId): AnswerNames {
  let seen: Set<string> | undefined;
  const idsSeen = () => {
    const calls = request.messages.flatMap(({ blocks }) => blocks.filter((block) => block.kind === "tool_call"));
    return new Set(calls.map((call) => call.id));
  };
  return {
    identify(id) {
      // Most answers call nothing.
      const known = (seen ??= idsSeen());
      let fitted = id === undefined ? newId() : fitCallId(id);
      while (known.has(fitted)) fitted = newId();
      known.add(fitted);
      return fitted;
    },
    tool: names.back,
  };
}
