// What a backend takes beyond or short of its dialect, as the operator says it: for servers that no row of the table of providers knows. Pure.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { didYouMean } from "#src/core/nearest.ts";
import { efforts, type Quirks } from "#src/core/quirks.ts";

const flag = v.exactOptional(v.boolean());
const whole = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000_000)));
const names = v.exactOptional(v.array(v.pipe(v.string(), v.regex(/^[A-Za-z_$][\w$]{0,63}$/))));

const entries = {
  maxTokensField: v.exactOptional(v.picklist(["max_tokens", "max_completion_tokens"])),
  defaultMaxTokens: whole,
  reasoningEffort: flag,
  efforts: v.exactOptional(v.array(v.picklist(efforts))),
  thinkingBudget: flag,
  thinkingOff: v.exactOptional(v.picklist(["disabled", "between_tools", "never"])),
  forcedTool: flag,
  objectSchemas: flag,
  reasoningContent: flag,
  parallelToolCalls: flag,
  streamUsage: flag,
  systemRole: v.exactOptional(v.picklist(["system", "developer"])),
  maxToolNameLength: whole,
  callIds: v.exactOptional(v.picklist(["any", "alnum9"])),
  schemaKeywords: names,
  hosted: v.exactOptional(v.array(v.picklist(["web_search"]))),
  cacheKey: flag,
  verbosity: flag,
  customTools: flag,
  unsupported: names,
} satisfies { [Name in keyof Quirks]: v.GenericSchema | v.ExactOptionalSchema<v.GenericSchema, undefined> };

/** Some of a backend's quirks. */
export const quirksSchema = v.strictObject(entries);

const LISTS: readonly string[] = ["efforts", "schemaKeywords", "hosted", "unsupported"];

function valueOf(name: string, said: string): unknown {
  if (LISTS.includes(name)) return said.split("+");
  if (said === "true" || said === "false") return said === "true";
  return /^\d{1,8}$/.test(said) ? Number(said) : said;
}

function expected(name: string): string {
  if (name === "schemaKeywords" || name === "unsupported") return `${name}=name+name`;
  const known: Record<string, string> = {
    maxTokensField: "max_tokens|max_completion_tokens",
    efforts: "low+medium+high",
    thinkingOff: "disabled|between_tools|never",
    systemRole: "system|developer",
    callIds: "any|alnum9",
    hosted: "web_search",
    defaultMaxTokens: "number",
    maxToolNameLength: "number",
  };
  return `${name}=${known[name] ?? "true|false"}`;
}

/** Reads `name=value` words; undefined where there are none. Throws `usage`. */
export function parseQuirks(words: readonly string[]): Partial<Quirks> | undefined {
  const said: Record<string, unknown> = {};
  for (const word of words) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    if (!Object.hasOwn(entries, name)) {
      const known = Object.keys(entries);
      throw new BrokeError("usage", "unknown quirk", didYouMean(name, known) ?? `known: ${known.join(", ")}`);
    }
    if (Object.hasOwn(said, name)) throw new BrokeError("usage", `the quirk ${name} is given twice`);
    said[name] = valueOf(name, word.slice(at + 1));
    const read = v.safeParse(quirksSchema, { [name]: said[name] });
    if (at < 0 || !read.success)
      throw new BrokeError("usage", `the quirk ${name} has another value`, `--quirk ${expected(name)}`);
  }
  return words.length === 0 ? undefined : v.parse(quirksSchema, said);
}
