// The generateContent request as clients send it (Google's API reference, and what Gemini CLI 0.61 was seen to send). Google reads every member
// in camelCase and in snake_case, and one thing where a list belongs. Unknown members are let through: the dialect grows faster than its readers.

import * as v from "valibot";
import type { Json } from "#src/core/json.ts";
import { isObject, json, jsonObject } from "../schema.ts";

type Members = { [key: string]: Json };

/** The members under their camelCase names; what is said in both spellings counts in camelCase. */
export function camelKeys(members: Members): Members {
  const out: Members = {};
  for (const [key, value] of Object.entries(members)) {
    const camel = key.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (camel === key || !Object.hasOwn(members, camel)) out[camel] = value;
  }
  return out;
}

/** The object's schema checks what the transformation promises. */
const members = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(
    jsonObject,
    v.transform((raw) => camelKeys(raw) as v.InferInput<v.ObjectSchema<Entries, undefined>>),
    v.object(entries),
  );

const name = v.pipe(v.string(), v.nonEmpty());
const word = v.nullish(v.string());
const number = v.nullish(v.number());
const list = v.pipe(
  json,
  v.transform((value) => (isObject(value) ? [value] : value)),
  v.array(json),
);

/** Any object, its members in camelCase. */
export const object = v.pipe(jsonObject, v.transform(camelKeys));

export const content = members({ role: v.nullish(v.picklist(["user", "model", "function"])), parts: v.nullish(list) });
export type WireContent = v.InferOutput<typeof content>;
/** A system prompt's role says nothing, whatever it is. */
const system = members({ parts: v.nullish(list) });
export type WireSystem = v.InferOutput<typeof system>;

/** A part is what its members make it; which one counts is decided where it is read. */
export const partHead = members({ thought: v.nullish(v.boolean()), thoughtSignature: word });

export const parts = {
  text: members({ text: v.string() }),
  blob: members({ mimeType: name, data: v.string(), displayName: word }),
  file: members({ mimeType: word, fileUri: name, displayName: word }),
  call: members({ id: word, name, args: v.nullish(jsonObject) }),
  response: members({ id: word, name, response: v.nullish(json), parts: v.nullish(list) }),
};

export const declaration = members({
  name,
  description: word,
  parameters: v.nullish(jsonObject),
  parametersJsonSchema: v.nullish(jsonObject),
  response: v.nullish(json),
  responseJsonSchema: v.nullish(json),
});
export const declarations = v.nullish(list);

const callingConfig = members({ mode: word, allowedFunctionNames: v.nullish(v.array(v.string())) });
export const toolConfig = members({ functionCallingConfig: v.nullish(callingConfig) });
export type WireToolConfig = v.InferOutput<typeof toolConfig>;

export const generationConfig = members({
  temperature: number,
  topP: number,
  topK: number,
  candidateCount: number,
  maxOutputTokens: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  stopSequences: v.nullish(v.array(v.string())),
  seed: number,
  presencePenalty: number,
  frequencyPenalty: number,
  responseMimeType: word,
  responseSchema: v.nullish(jsonObject),
  responseJsonSchema: v.nullish(jsonObject),
  responseModalities: v.nullish(v.array(v.string())),
  responseLogprobs: v.nullish(v.boolean()),
  logprobs: number,
  thinkingConfig: v.nullish(
    members({ includeThoughts: v.nullish(v.boolean()), thinkingBudget: number, thinkingLevel: word }),
  ),
});
export type WireConfig = v.InferOutput<typeof generationConfig>;

export const request = members({
  contents: list,
  systemInstruction: v.nullish(system),
  tools: v.nullish(list),
  toolConfig: v.nullish(toolConfig),
  generationConfig: v.nullish(generationConfig),
  // Said again by some; the URL counts.
  model: word,
  // Of no consequence to what is answered.
  serviceTier: v.nullish(json),
});

/** The members a schema of this file reads, so that the others can be kept aside. */
export const known = {
  request: new Set(Object.keys(request.pipe[2].entries)),
  toolConfig: new Set(Object.keys(toolConfig.pipe[2].entries)),
  generationConfig: new Set(Object.keys(generationConfig.pipe[2].entries)),
  callingConfig: new Set(Object.keys(callingConfig.pipe[2].entries)),
  declaration: new Set(Object.keys(declaration.pipe[2].entries)),
  response: new Set(Object.keys(parts.response.pipe[2].entries)),
};
