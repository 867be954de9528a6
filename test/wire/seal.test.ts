// Seals: what a backend minted comes back to it as it was, and to nobody else.

import { describe, expect, test } from "bun:test";
import { isMintedBy, scopeOf, seal, type Sealed, unseal, unsealThinking } from "#src/wire/seal.ts";

const scope = scopeOf(["https://api.example.test", "model", "KEY_1"]);
const signed: Sealed = { origin: "anthropic", scope, kind: "signature", data: "c2ln==/+.with.dots" };

test("what is sealed comes out again", () => {
  const redacted: Sealed = { ...signed, origin: "gemini", kind: "redacted", data: "" };
  expect([signed, redacted].map(seal).map(unseal)).toEqual([signed, redacted]);
});

test("a scope is the same for the same account and model, and for no other", () => {
  expect(scope).toMatch(/^[0-9a-f]{16}$/);
  expect(scopeOf(["https://api.example.test", "model", "KEY_1"])).toBe(scope);
  const others = [
    ["https://api.example.test", "model", "KEY_2"],
    ["https://api.example.test", "model", null],
    ["https://api.example.test", "other", "KEY_1"],
    ["https://api.example.test", "model,KEY_1"],
  ].map(scopeOf);
  expect(new Set([scope, ...others]).size).toBe(5);
});

describe("what is no seal of ours is none", () => {
  const texts = [
    "",
    "c2ln",
    "broke1",
    "broke2.anthropic.0123456789abcdef.signature.x",
    "broke1.somebody.0123456789abcdef.signature.x",
    "broke1.anthropic.0123456789ABCDEF.signature.x",
    "broke1.anthropic.0123.signature.x",
    "broke1.anthropic.0123456789abcdef.proof.x",
  ];
  for (const text of texts) {
    test(text, () => {
      expect(unseal(text)).toBeUndefined();
      expect(unsealThinking(text, "anthropic")).toEqual({ origin: "anthropic", signature: text });
    });
  }
});

describe("thinking goes back to who minted it", () => {
  const mine = { origin: "anthropic", scope, signature: "c2ln" } as const;
  const table: [string, Parameters<typeof isMintedBy>[0], boolean][] = [
    ["signed by this account", mine, true],
    ["encrypted by this account", { origin: "anthropic", scope, redacted: "eA==" }, true],
    ["signed in the client's own dialect, by whom is not known", { origin: "anthropic", signature: "c2ln" }, true],
    ["signed by another account", { ...mine, scope: "ffffffffffffffff" }, false],
    ["signed by another dialect", { ...mine, origin: "gemini" }, false],
    ["not signed", { origin: "anthropic", scope }, false],
    ["signed with nothing", { origin: "anthropic", scope, signature: "" }, false],
    ["minted by nobody", { origin: null, signature: "c2ln" }, false],
  ];
  for (const [name, block, minted] of table) {
    test(name, () => expect(isMintedBy(block, "anthropic", scope)).toBe(minted));
  }
});
