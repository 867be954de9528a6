// What fits a schema is read as valibot reads it, and nothing else is: every schema of the wire against values made for it and spoiled.

import { expect, test } from "bun:test";
import * as v from "valibot";
import * as chatAnswer from "#src/wire/chat/answer-schema.ts";
import * as chatClient from "#src/wire/chat/client-schema.ts";
import * as chat from "#src/wire/chat/schema.ts";
import * as geminiAnswer from "#src/wire/gemini/answer-schema.ts";
import * as geminiClient from "#src/wire/gemini/client-schema.ts";
import * as gemini from "#src/wire/gemini/schema.ts";
import * as messagesAnswer from "#src/wire/messages/answer-schema.ts";
import * as messagesBackend from "#src/wire/messages/backend-schema.ts";
import * as messages from "#src/wire/messages/schema.ts";
import { readerOf, UNFIT } from "#src/wire/reader.ts";
import * as responsesAnswer from "#src/wire/responses/answer-schema.ts";
import * as responsesClient from "#src/wire/responses/client-schema.ts";
import * as responses from "#src/wire/responses/schema.ts";
import { makeRandom, type Random } from "./arbitrary.ts";

const modules = {
  ...{ chatAnswer, chatClient, chat, geminiAnswer, geminiClient, gemini },
  ...{ messagesAnswer, messagesBackend, messages, responsesAnswer, responsesClient, responses },
};

type Named = [string, v.GenericSchema];
const isSchema = (value: unknown): value is v.GenericSchema =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "schema";

function schemasIn(name: string, value: unknown): Named[] {
  if (isSchema(value)) return [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => schemasIn(`${name}.${key}`, inner));
}
const schemas = Object.entries(modules).flatMap(([name, module]) => schemasIn(name, module));

type Part = v.GenericSchema & {
  entries: Record<string, v.GenericSchema>;
  item: v.GenericSchema;
  wrapped: v.GenericSchema;
  options: readonly unknown[];
  literal: unknown;
};
const STRANGE = [null, 0, -1, 1.5, "", "text", [], [1], {}, true, { type: "text" }] as const;

/** Mostly what fits; every so often something else, in any place. */
function valueFor(schema: v.GenericSchema, random: Random): unknown {
  if (random.chance(4)) return random.pick(STRANGE);
  const part = schema as Part;
  switch (schema.type) {
    case "string":
      return random.pick(["", "text", "\u2028"]);
    case "number":
      return random.pick([0, 7, -1, 1.5]);
    case "boolean":
      return random.chance(50);
    case "literal":
      return part.literal;
    case "picklist":
      return random.pick(part.options);
    case "nullish":
    case "nullable":
    case "optional":
      return random.chance(25) ? null : valueFor(part.wrapped, random);
    case "array":
      return random.some(3, () => valueFor(part.item, random));
    case "object":
    case "loose_object": {
      const more = random.pick<object>([{}, {}, { unknown: 1 }, { constructor: 1, prototype: 2, a: { b: [] } }]);
      const members = Object.entries(part.entries).filter(() => !random.chance(10));
      return { ...more, ...Object.fromEntries(members.map(([key, inner]) => [key, valueFor(inner, random)])) };
    }
    case "union":
    case "variant":
      return valueFor(random.pick(part.options as v.GenericSchema[]), random);
    default:
      return random.pick(STRANGE);
  }
}

test.each(schemas)("%s", (_name, schema) => {
  const reader = readerOf(schema);
  if (reader === undefined) return expect(usesWhatIsUnknown(schema)).toBe(true);
  for (let seed = 0; seed < 500; seed++) {
    const value = valueFor(schema, makeRandom(seed));
    const { success, output } = v.safeParse(schema, value);
    const read = reader(value);
    const expected = success ? { seed, fits: true, text: JSON.stringify(output) } : { seed, fits: false };
    expect(read === UNFIT ? { seed, fits: false } : { seed, fits: true, text: JSON.stringify(read) }).toEqual(expected);
    if (success) expect(read).toEqual(output);
  }
});

/** Transformations and schemas chosen by what they are given are valibot's alone. */
function usesWhatIsUnknown(schema: v.GenericSchema): boolean {
  const text = JSON.stringify(schema, (_key, value: unknown) => value);
  return /"type":"(lazy|transform)"/.test(text);
}
