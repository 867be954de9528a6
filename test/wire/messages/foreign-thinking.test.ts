// What passes to Anthropic: its own thinking to the byte, nobody else's, and every other byte as it was.

import { describe, expect, test } from "bun:test";
import { messagesPass } from "#src/wire/messages/pass.ts";
import { bytesOf, SCOPE } from "../cases.ts";

const target = { model: "upstream-model", stream: true, scope: SCOPE };
const passed = (text: string) => new TextDecoder().decode(messagesPass.prepare(bytesOf(text), target).body);
/** The same body before and behind: only `model` differs, and the messages where told. */
const body = (model: string, messages: string) =>
  `{ "model":"${model}", "thinking":{"type":"adaptive"},\n "messages" : [${messages}], "system":"broke1.x", "n":1.0 }`;
const check = (before: string, behind: string) => {
  expect(passed(body("lane", before))).toBe(body("upstream-model", behind));
};

const text = '{"type":"text", "text":"ok é \\u00e4"}';
const native = '{ "signature":"EqQBCkgIARABGAI", "thinking":"h\\u006d, 1.0", "type":"thinking" }';
const redacted = '{"type": "redacted_thinking", "data":"EmwKAhgB"}';
const unsigned = '{"type":"thinking","thinking":"hm","signature":""}';
const foreign: [string, string][] = [
  ["with an empty signature", unsigned],
  ["with a signature that is null", '{"type": "thinking", "thinking":"hm", "signature": null}'],
  ["with space around the colon", '{"type" : "thinking" ,"thinking":"hm","signature"\n: ""}'],
  ["without a signature", '{"thinking":"hm","type":"thinking"}'],
  [
    "sealed for another dialect",
    '{"type":"thinking","thinking":"hm","signature":"broke1.openai-responses.0123456789abcdef.signature.rs_1:gA"}',
  ],
  ["encrypted and sealed", '{"data":"broke1.gemini.0123456789abcdef.redacted.eA==","type":"redacted_thinking"}'],
];
const answer = (...blocks: string[]) => `{"role":"assistant", "content":[ ${blocks.join(" , ")} ]}`;
const user = '{"role":"user","content":"go"}';

describe("thinking that Anthropic did not sign goes", () => {
  for (const [name, block] of foreign) {
    test(name, () => {
      check(answer(block, text), answer(text));
      check(answer(text, block), answer(text));
      check(answer(text, block, text), answer(text, text));
      check(answer(block, block, text, block), answer(text));
      check(`${user}, ${answer(block)} ,${user}`, `${user} ,${user}`);
      check(`${answer(block)}, ${user}`, user);
      check(`${user} , ${answer(block, block)}`, user);
      check(answer(block), "");
    });
  }
});

describe("it is seen", () => {
  /** Nothing but the messages speaks of thinking, or of seals. */
  const plain = (model: string, ...blocks: string[]) => `{"model":"${model}","messages":[${answer(...blocks)}]}`;
  const call = '{"type":"tool_use","id":"a","name":"sign","input":{"signature":"abc"}}';
  const table: [string, string][] = [
    ["however it is spaced", '{"type" : "thinking" ,"thinking":"hm","signature"\n: ""}'],
    ["whatever a tool was given beside it", '{"type":"thinking","thinking":"hm"}'],
    ["with its type behind", '{"signature" : null,"thinking":"hm","type" :"thinking"}'],
    ["encrypted", '{"type" : "redacted_thinking","data" :"broke1.gemini.0123456789abcdef.redacted.eA=="}'],
  ];
  for (const [name, block] of table) {
    test(name, () => {
      expect(passed(plain("lane", native, block, call))).toBe(plain("upstream-model", native, call));
    });
  }
});

describe("everything else stays to the byte", () => {
  const table: [string, string][] = [
    ["what Anthropic signed and encrypted", answer(native, redacted, text)],
    ["an empty answer", '{"role":"assistant","content":[ ]}'],
    ["text in one piece", '{"role":"assistant","content":"\\"type\\":\\"thinking\\" broke1."}'],
    [
      "thinking that is only told of",
      `{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[${unsigned}]}]}`,
    ],
    ["what is no message", '5, {"content":[5,null,"thinking"]}, {"role":"user","content":{"type":"thinking"}}'],
  ];
  for (const [name, messages] of table) test(name, () => check(messages, messages));

  test("what Anthropic signed beside what it did not", () => {
    check(answer(native, unsigned, text), answer(native, text));
    check(answer(native, '{"thinking":"hm","type":"thinking"}', text), answer(native, text));
  });

  test("a body without messages", () => {
    expect(passed(`{"model":"m","note":${unsigned}}`)).toBe(`{"model":"upstream-model","note":${unsigned}}`);
    expect(passed(`{"messages":${unsigned},"model":"m"}`)).toBe(`{"messages":${unsigned},"model":"upstream-model"}`);
  });

  test("a tool's settings, marks for the cache and a binding of thoughts", () => {
    const rest =
      '"tools":[{"name":"t","input_schema":{},"cache_control":{"type":"ephemeral","ttl":"1h"}}],"thinking":{"type":"enabled","budget_tokens":100,"block_binding":{"prefix_mismatch_behavior":"error"}}';
    expect(passed(`{"model":"m",${rest}}`)).toBe(`{"model":"upstream-model",${rest}}`);
  });
});
