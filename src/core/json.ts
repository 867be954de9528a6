// Canonical JSON (the subset of RFC 8785 our own records need): what is hashed and signed must have one spelling.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Keys sorted by UTF-16 code units, no white space. Throws on values JSON cannot carry. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("not a JSON number");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

/** What is written otherwise than it is; of a pair of surrogates too, which is left to who can tell it from half of one. */
const WRITTEN_OTHERWISE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** The text as a JSON string, as the runtime writes it; at once where it is written as it is, as most pieces of an answer are. */
export function quoteJson(text: string): string {
  return WRITTEN_OTHERWISE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Parses JSON text; `undefined` when it is not JSON (never throws, never quotes the text). */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
