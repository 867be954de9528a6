// What is told from a body's bytes about thinking without its proof: never a no where there is some.

import { describe, expect, test } from "bun:test";
import { mayBeUnproven } from "#src/wire/unproven.ts";

const may = (text: string) => mayBeUnproven(Buffer.from(text), "thinking", "signature");

const table: [string, string, boolean][] = [
  ["nothing of the kind", '{"thinking":{"type":"adaptive"},"a":["thinking"],"name":"thinking"}', false],
  ["a text that tells of it", '{"a":"{\\"type\\":\\"thinking\\"}","b":"\\"type\\":\\"thinking"}', false],
  ["signed", '{"type":"thinking","thinking":"h\\"m","signature":"c2ln"}', false],
  ["signed, with space and more", '{ "type" : "thinking" , "x" : [{}, 1 ] ,\n"signature" : "c2ln" , "y":1}', false],
  ["signed before it says what it is", '{"signature":"c2ln","type":"thinking"}', true],
  ["unsigned", '{"type":"thinking","thinking":"hm"}', true],
  ["with an empty signature", '{"type":"thinking","signature" : ""}', true],
  ["with a signature that is null", '{"type":"thinking","signature":null}', true],
  ["sealed for another", '{"type":"thinking","signature":"broke1.x"}', true],
  ["a signature of something inside it", '{"type":"thinking","x":{"signature":"c2ln"}}', true],
  ["a signature behind it", '[{"type":"thinking"},{"signature":"c2ln"}]', true],
  ["one among signed ones", '[{"type":"thinking","signature":"a"},{"type":"thinking"},{"signature":"a"}]', true],
];

describe("thinking without a proof may be there", () => {
  for (const [name, text, expected] of table) test(name, () => expect(may(text)).toBe(expected));
});
