// What is taken out of a text before it is stored, made visible before it is shown, and cut where it is too long.

import { describe, expect, test } from "bun:test";
import { clip, makeRedactor, mapStrings, REDACTED, visible, visibleJson } from "#src/core/text.ts";

const secrets: [string, string][] = [
  ["Anthropic", "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt"],
  ["OpenRouter", "sk-or-v1-0123456789abcdef0123"],
  ["OpenAI", "sk-proj-AbCdEfGhIjKlMnOpQrSt"],
  ["Groq", "gsk_AbCdEfGhIjKlMnOpQrSt"],
  ["Cerebras", "csk-AbCdEfGhIjKlMnOpQrSt"],
  ["Google", "AIzaSyA0123456789abcdefghijklmnopqrstu"],
  ["Hugging Face", "hf_AbCdEfGhIjKlMnOpQrSt"],
  ["GitHub", "ghp_AbCdEfGhIjKlMnOpQrStUvWx"],
  ["GitHub, fine-grained", "github_pat_11AAAAAAA0aaaaaaaaaaaa"],
  ["Slack", "xoxb-0123456789-abcdef"],
  ["AWS", "AKIAIOSFODNN7EXAMPLE"],
  ["our own nonce", "brokerun_AbCdEfGhIjKlMnOpQrStUvWx"],
  ["a JWT", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4"],
  ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----"],
  ["a private key that was cut", "-----BEGIN RSA PRIVATE KEY-----\nabc\ndef"],
];

describe("the redactor", () => {
  const redact = makeRedactor(["a-registered-value", "short"]);
  for (const [name, secret] of secrets) {
    test(name, () => {
      for (const text of [secret, `before ${secret}`, `"${secret}"`, `url?x=${secret}&y`]) {
        const out = redact(text);
        expect(out).not.toContain(secret.slice(0, 20));
        expect(out).toContain(REDACTED);
      }
    });
  }

  const cases: [string, string, string][] = [
    ["a value that was registered", "x a-registered-value y", `x ${REDACTED} y`],
    ["a value too short to register", "a short word", "a short word"],
    ["an assignment", "API_KEY=abcdefgh123", `API_KEY=${REDACTED}`],
    ["an assignment in JSON", '{"password": "hunter2hunter2"}', `{"password": "${REDACTED}"}`],
    ["a header", "Authorization: Bearer abcdefgh123", `Authorization: Bearer ${REDACTED}`],
    ["credentials in a URL", "https://me:secret@host/path", `https://${REDACTED}@host/path`],
    ["a URL without", "https://host/path", "https://host/path"],
    ["ordinary words", "the skill of skating, tokens: 12", "the skill of skating, tokens: 12"],
  ];
  for (const [name, text, wanted] of cases) {
    test(name, () => {
      expect(redact(text)).toBe(wanted);
      expect(redact(redact(text))).toBe(wanted);
    });
  }

  test("a value registered later", () => {
    const later = makeRedactor();
    expect(later("the-later-value")).toBe("the-later-value");
    later.add("the-later-value");
    expect(later("the-later-value twice the-later-value")).toBe(`${REDACTED} twice ${REDACTED}`);
  });
});

describe("visible", () => {
  const cases: [string, string, string][] = [
    ["an escape sequence", "\u001b[31mred", "\\u{1b}[31mred"],
    ["a bell, a return, a null", "a\u0007b\rc\u0000", "a\\u{7}b\\u{d}c\\u{0}"],
    ["a bidi override", "user\u202etxt.exe", "user\\u{202e}txt.exe"],
    ["a zero-width space and a joiner", "a\u200bb\u200dc", "a\\u{200b}b\\u{200d}c"],
    ["C1", "\u009b31m", "\\u{9b}31m"],
    ["a line separator", "a\u2028b", "a\\u{2028}b"],
    ["fillers, selectors and a blank of braille", "a\u3164b\ufe0fc\u2800d", "a\\u{3164}b\\u{fe0f}c\\u{2800}d"],
    ["tags, which are text nobody sees", "a\u{e0041}b", "a\\u{e0041}b"],
    ["ordinary text of any script", "Grüße 世界 👋", "Grüße 世界 👋"],
    ["a line break and a tab", "a\nb\tc", "a\\u{a}b\\u{9}c"],
  ];
  for (const [name, text, wanted] of cases) test(name, () => expect(visible(text)).toBe(wanted));

  test("lines kept where they are wanted", () => expect(visible("a\nb\tc\r", "lines")).toBe("a\nb\tc\\u{d}"));
});

test("a text of nothing but beginnings of secrets costs no more than its length", () => {
  const redact = makeRedactor();
  const cost = (text: string) => {
    const started = performance.now();
    redact(text);
    return performance.now() - started;
  };
  for (const piece of ["a.", "-eyJ", "a://", "token ", "-----BEGIN "]) {
    cost(piece.repeat(1000));
    // Eight times the text in well below sixty-four times the time: the square of 100 kB would take seconds.
    expect(cost(piece.repeat(100_000)), piece).toBeLessThan(1000);
  }
});

test("visibleJson is the same JSON, with nothing in it that a terminal would obey", () => {
  const value = { "\u009b31m": ["\u001b[31m", "a\u202eb\u200bc", "a\u{e0041}b", "line\nbreak"], n: 1 };
  for (const text of [visibleJson(value), visibleJson(value, 2)]) {
    expect(JSON.parse(text)).toEqual(value);
    expect(visible(text, "lines")).toBe(text);
  }
  expect(visibleJson(value).split("\n")).toHaveLength(1);
});

describe("clip", () => {
  const text = "aé世👋z";
  test("at every length: never more bytes than allowed, never half a character", () => {
    for (let max = 0; max <= 14; max++) {
      const { text: kept, cut } = clip(text, max);
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(max);
      expect(text.startsWith(kept)).toBe(true);
      expect(cut).toBe(kept !== text);
    }
  });
  test("a text that ends in the replacement character keeps it", () =>
    expect(clip("a\ufffd", 10)).toEqual({ text: "a\ufffd", cut: false }));
});

test("mapStrings changes every string in a value, and no key", () => {
  expect(mapStrings({ a: "x", b: ["x", { x: "x" }], c: 1, d: null, e: true }, (value) => `${value}!`)).toEqual({
    a: "x!",
    b: ["x!", { x: "x!" }],
    c: 1,
    d: null,
    e: true,
  });
});
