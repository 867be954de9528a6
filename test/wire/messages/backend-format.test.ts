// What becomes of an answer's schema on its way to Anthropic: never more than a few times as long, never one that nothing fits.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { formatSchema } from "#src/wire/messages/backend-format.ts";

type Members = { [key: string]: Json };

const LIMITS = "limits of the answer's schema";

function formatted(schema: Json): { schema: Members; losses: string[] } {
  const losses = makeLossList();
  const schemaOf = formatSchema(schema, losses) as Members;
  return { schema: schemaOf, losses: losses.items.map(({ what }) => what) };
}

describe("a schema stays about as long as it was", () => {
  const many = (count: number, word: string) => Array.from({ length: count }, (_, index) => `${word}${index}`);

  test("with thousands of words for types, and members of no type", () => {
    const odd = Object.fromEntries(many(600, "k").map((key) => [key, 1]));
    const schema = {
      type: "object",
      properties: { p: { type: [...many(6000, "t"), "string", "null"], enum: [{}], ...odd } },
    };
    const out = formatted(schema);
    expect(JSON.stringify(out.schema).length).toBeLessThan(JSON.stringify(schema).length);
    expect(out.schema).toMatchObject({ properties: { p: { anyOf: [{ type: "string" }, { type: "null" }] } } });
    expect(out.losses).toEqual([LIMITS]);
  });
});
