// The tables of `broke.toml`: those there are, and no other.

import { expect, test } from "bun:test";
import { parseBrokeToml } from "#sandbox/broke-toml.ts";
import { BrokeError } from "#src/core/errors.ts";

const errorOf = (text: string) => {
  try {
    parseBrokeToml(text, "broke.toml");
  } catch (error) {
    const { kind, message, hint } = error as BrokeError;
    return [kind, message, hint];
  }
};

test("the tables there are", () => {
  expect(parseBrokeToml('[harness]\npolicy = "off"\n[permissions.a]\n[contracts.b]\n', "broke.toml")).toEqual({
    ...{ harness: { policy: "off" }, permissions: { a: {} }, contracts: { b: {} } },
  });
  expect(parseBrokeToml("", "broke.toml")).toEqual({});
});

test.each([
  ["[harness", ["config", "broke.toml is not TOML", "mend it, or move it away"]],
  ["[harnes]\n", ["usage", "broke.toml: unknown key harnes", "did you mean harness?"]],
  ["[contract.a]\n", ["usage", "broke.toml: unknown key contract", "did you mean contracts?"]],
  [
    'policy = "off"\n',
    ["usage", "broke.toml: unknown key policy", "its tables are [permissions.NAME], [harness] and [contracts.NAME]"],
  ],
  ['"\\u001b[31m" = 1\n', ["usage", "broke.toml: unknown key \\u{1b}[31m", expect.anything()]],
])("%j is none", (text, error) => expect(errorOf(text)).toEqual(error as never));
