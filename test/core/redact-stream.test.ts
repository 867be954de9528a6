// Text that comes in pieces is redacted as the whole is, wherever it is cut; what begins no secret goes on at once.

import { describe, expect, test } from "bun:test";
import { makeRedactor, REDACTED, type Redacts } from "#src/core/text.ts";
import { seeded } from "#test/support/random.ts";

const KNOWN = [
  "the-known-value-1",
  "the-known-value-12345",
  "two words known",
  "line one\nline two\nline three",
  "überschlüssel",
];
const secrets: Record<string, string> = {
  Anthropic: "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt",
  Groq: "gsk_AbCdEfGhIjKlMnOpQrSt",
  Cerebras: "csk-AbCdEfGhIjKlMnOpQrSt",
  Google: "AIzaSyA0123456789abcdefghijklmnopqrstu",
  "Hugging Face": "hf_AbCdEfGhIjKlMnOpQrSt",
  GitHub: "ghp_AbCdEfGhIjKlMnOpQrStUvWx",
  "GitHub, fine-grained": "github_pat_11AAAAAAA0aaaaaaaaaaaa",
  Slack: "xoxb-0123456789-abcdef",
  AWS: "AKIAIOSFODNN7EXAMPLE",
  "our own": "brokerun_AbCdEfGhIjKlMnOpQrStUvWx",
  "a JWT": "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
  "a key": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc-def\n-----END OPENSSH PRIVATE KEY-----",
  "a key that was cut": "-----BEGIN RSA PRIVATE KEY-----\nabc\ndef",
  "a URL's": "https://me:secret@host/path",
  ...Object.fromEntries(KNOWN.map((value) => [`the value ${value}`, value])),
};
const assigned: Record<string, string> = {
  "an assignment": "API_KEY=abcdefgh123",
  "an assignment in JSON": '{"password": "hunter2hunter2"}',
  "a header": "Authorization: Bearer abcdefgh123",
};

/** In pieces, ended at these places. */
function inPieces(text: string, cuts: readonly number[], which: Redacts): string {
  const stream = makeRedactor(KNOWN).stream(which);
  const places = [0, ...cuts, text.length];
  return (
    places
      .slice(1)
      .map((to, at) => stream.push(text.slice(places[at], to)))
      .join("") + stream.end()
  );
}

describe("cut in two at every place, and into single characters", () => {
  const around = (text: string) => [text, `before ${text} after`, `task-${text}-`, `"${text}",`, `x${text}`];
  const cases = [
    ...Object.entries(secrets).map(([name, text]) => [name, text, "certain"] as const),
    ...Object.entries({ ...secrets, ...assigned }).map(([name, text]) => [name, text, "all"] as const),
  ];
  test.each(cases)("%s: %s, %s", (_, secret, which) => {
    for (const text of around(secret)) {
      const whole = inPieces(text, [], which);
      if (which === "all") expect(whole).toBe(makeRedactor(KNOWN)(text));
      for (let at = 1; at < text.length; at++) expect(inPieces(text, [at], which), `at ${at}`).toBe(whole);
      const every = Array.from({ length: text.length - 1 }, (__, at) => at + 1);
      expect(inPieces(text, every, which)).toBe(whole);
    }
    expect(inPieces(secret, [], which)).toContain(REDACTED);
  });
});

test("a mixture of secrets, beginnings of secrets and words, cut at random, comes out as the whole", () => {
  const random = seeded(20261127);
  const all = [...Object.values(secrets), ...Object.values(assigned)].filter(
    (text) => !text.includes("cut") && !/BEGIN RSA/.test(text),
  );
  const words = [
    "the skill ",
    "task-force ",
    "https://host/path ",
    "token of ",
    "a: b ",
    "-- ",
    "e.g. ",
    "\n",
    "ß ",
    "s",
    "eyes. ",
  ];
  for (let round = 0; round < 300; round++) {
    const parts = Array.from({ length: 12 }, () => {
      const from = random.below(2) === 0 ? all : words;
      const part = from[random.below(from.length)]!;
      return random.below(4) === 0 ? part.slice(0, random.below(part.length) + 1) : `${part} `;
    });
    const text = parts.join(" ");
    const cuts = Array.from({ length: random.below(20) }, () => random.below(text.length)).toSorted((a, b) => a - b);
    expect(inPieces(text, cuts, "all"), JSON.stringify({ text, cuts })).toBe(makeRedactor(KNOWN)(text));
  }
});

describe("what begins no secret is not held", () => {
  test.each(["The quick brown fox", "x = 12;", "const a = f(1)", "Grüße 世界 👋", "done. "])("%s", (text) => {
    expect(makeRedactor(KNOWN).stream("certain").push(text)).toBe(text);
  });
  test("of what begins one, no more than that", () => {
    const stream = makeRedactor(KNOWN).stream("certain");
    expect([stream.push("see sk-"), stream.push("ate"), stream.push(" and go"), stream.end()]).toEqual([
      "see ",
      "",
      "sk-ate and go",
      "",
    ]);
  });
});

test("what never shows whether it is one is let go, and nothing held is more than its bound", () => {
  const stream = makeRedactor().stream("certain");
  let told = stream.push("eyJabcdefgh.");
  for (let count = 0; count < 2000; count++) told += stream.push("abcdefgh");
  expect(told.length).toBeGreaterThan(10_000);
  expect(told + stream.end()).toBe(`eyJabcdefgh.${"abcdefgh".repeat(2000)}`);
});

test("a secret without end is told of once and takes no memory", () => {
  const stream = makeRedactor().stream("certain");
  let told = stream.push("a sk-abcdefghabcdefgh");
  for (let count = 0; count < 2000; count++) told += stream.push("abcdefgh");
  expect(told + stream.push(" b") + stream.end()).toBe(`a ${REDACTED} b`);
});

test("a text of nothing but beginnings costs no more than its length, in pieces too", () => {
  for (const piece of ["a.", "-eyJ", "a://", "token ", "-----BEGIN ", "sk-", "token:", "the-known-"]) {
    const stream = makeRedactor(KNOWN).stream();
    const began = performance.now();
    for (let count = 0; count < 2_000; count++) stream.push(piece);
    stream.push(piece.repeat(20_000));
    stream.end();
    expect(performance.now() - began, piece).toBeLessThan(5_000);
  }
});

test("it can be used again after its end", () => {
  const stream = makeRedactor(KNOWN).stream();
  expect([stream.push("sk-abcdefghabcdefgh"), stream.end(), stream.push("ijkl "), stream.end()]).toEqual([
    REDACTED,
    "",
    "ijkl ",
    "",
  ]);
});
