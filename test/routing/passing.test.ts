// The guess whether a request will pass: by the dialects of the caller's own slots, and not where its meaning is counted.

import { expect, test } from "bun:test";
import { emptyRouting, type Generation, type StoredBackend } from "#src/routing/generation.ts";
import { mayPass } from "#src/routing/passing.ts";

const backend = (label: string, dialect: StoredBackend["dialect"]): StoredBackend => ({
  ...{ label, provider: null, baseUrl: "http://127.0.0.1:1", dialect, model: "m", keyEnv: null, price: null },
});
const generation = (change: Partial<Generation> = {}): Generation =>
  Object.freeze({
    ...{ ...emptyRouting, id: 1 },
    backends: { a: backend("a", "anthropic"), c: backend("c", "openai-chat"), broken: backend("broken", null) },
    slots: { sonnet: "a", haiku: "broken", opus: "nobody" },
    ...change,
  });

test("what some slot of the caller is served in may pass, nothing else", () => {
  const current = generation();
  expect(mayPass(current, null, "anthropic")).toBe(true);
  expect(mayPass(current, null, "openai-chat")).toBe(false);
  expect(mayPass(current, "nobody", "anthropic")).toBe(false);
  expect(mayPass(generation({ slots: { sonnet: "c" } }), null, "anthropic")).toBe(false);
});

test("where tokens or money are counted nothing may", () => {
  const { access } = emptyRouting;
  expect(mayPass(generation({ access: { ...access, tpm: 1 } }), null, "anthropic")).toBe(false);
  expect(mayPass(generation({ access: { ...access, dailyUsd: 1 } }), null, "anthropic")).toBe(false);
  expect(mayPass(generation({ access: { ...access, rpm: 1 } }), null, "anthropic")).toBe(true);
});
