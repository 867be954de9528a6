// What a provider says went wrong, wherever in its answer it puts it: the error objects of the dialects' own servers, and the lists of those built on
// FastAPI and the like. It is cut short here and must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its words, or from repeating the request.

import { type Json, parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { isObject } from "./schema.ts";

const MAX_WORDS_BYTES = 2048;
const MAX_LISTED = 8;
const MAX_DEPTH = 5;
/** Where words are, the truest first: `error` beside a `message` is only the name of the status. */
const MEMBERS = ["message", "msg", "detail", "error", "errors"];
const PAGE = /^\s*</;

/** An error answer's body: JSON, or else its text; nothing of a page (a proxy's), which nobody wants to read here. */
export function errorBodyIn(text: string): Json | undefined {
  const body = parseJson(text);
  return body === undefined && !PAGE.test(text) ? text.trim() : body;
}

/** The members of an error object, wherever the provider put it. */
export function findError(body: Json | undefined): { [key: string]: Json } {
  const first = Array.isArray(body) ? body[0] : body;
  if (!isObject(first)) return {};
  return isObject(first["error"]) ? first["error"] : first;
}

function wordsOf(value: Json | undefined, deeper = MAX_DEPTH): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null || deeper === 0) return "";
  const inside = (each: Json | undefined) => wordsOf(each, deeper - 1);
  const isSaid = (words: string) => words !== "";
  if (Array.isArray(value)) return value.slice(0, MAX_LISTED).map(inside).filter(isSaid).join("; ");
  if (!isObject(value)) return "";
  let said = "";
  for (const name of MEMBERS) if (said === "") said = inside(value[name]);
  // Which member of the request a line of such a list is about.
  const { loc } = value;
  return said !== "" && Array.isArray(loc) ? `${loc.filter((step) => !isObject(step)).join(".")}: ${said}` : said;
}

/** What an error body says, or "". */
export function wordsIn(body: Json | undefined): string {
  return clip(wordsOf(findError(body)) || wordsOf(body), MAX_WORDS_BYTES).text;
}

/** What is said where a provider says nothing. `status`: the HTTP status, undefined inside a 200. */
export function unexplained(status: number | undefined): string {
  return `the provider answered ${status ?? "with an error it did not explain"}`;
}
