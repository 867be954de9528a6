// Tool names and call ids that fit the other side: the same input always gives the same output, two inputs never the same one. Nothing is
// hidden inside a name or id but a hash.

import { createHash } from "node:crypto";

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

/** A call id both Anthropic (`^[a-zA-Z0-9_-]+$`) and OpenAI Chat (at most 40 characters) take. */
export function fitCallId(id: string): string {
  return fit(id, MAX_ID_LENGTH);
}

export type NameMap = {
  /** The name the provider sees. */
  out(name: string): string;
  /** The client's own name for what the provider calls. */
  back(name: string): string;
};

/** Names for one request's tools, at most `maxLength` characters of `[a-zA-Z0-9_-]`. */
export function makeNameMap(maxLength: number): NameMap {
  const toProvider = new Map<string, string>();
  const toClient = new Map<string, string>();
  return {
    out(name) {
      const known = toProvider.get(name);
      if (known !== undefined) return known;
      let fitted = fit(name, maxLength);
      // Only a client that spells out another tool's shortened name gets here.
      while (toClient.has(fitted)) fitted = fit(`${fitted} `, maxLength);
      toProvider.set(name, fitted);
      toClient.set(fitted, name);
      return fitted;
    },
    back: (name) => toClient.get(name) ?? name,
  };
}
