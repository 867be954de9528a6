// The guess whether a request will pass: by the dialects of the caller's own slots.

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

test("limits change nothing: what counts against them is told from the bytes", () => {
  const access = { ...emptyRouting.access, rpm: 1, tpm: 1, dailyUsd: 1 };
  expect(mayPass(generation({ access }), null, "anthropic")).toBe(true);
});
