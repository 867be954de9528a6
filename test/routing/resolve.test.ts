// The one resolver, as a table; and that it changes nothing.

import { describe, expect, test } from "bun:test";
import { allBackends } from "#src/routing/backends.ts";
import { catalogue } from "#src/routing/catalogue.ts";
import { emptyRouting, type Generation, noFallbacks, type StoredBackend } from "#src/routing/generation.ts";
import { providers } from "#src/routing/providers.ts";
import { keyPool } from "#src/routing/candidates.ts";
import { resolve } from "#src/routing/resolve.ts";
import { viewOf } from "#src/routing/view.ts";
import { slotOf, slots } from "#src/routing/slots.ts";

const backend = (label: string, keyEnv: string | null = null): StoredBackend => ({
  label,
  provider: null,
  baseUrl: "http://127.0.0.1:1/v1/",
  dialect: "openai-chat",
  model: `model-of-${label}`,
  keyEnv,
  price: null,
});
const backends = Object.fromEntries(
  [backend("open"), backend("keyed", "MY_KEY"), backend("other", "OTHER_KEY")].map((item) => [item.label, item]),
);
const generation = (slotsOf: Record<string, string[]>): Generation =>
  Object.freeze({
    ...emptyRouting,
    id: 7,
    backends,
    slots: Object.fromEntries(Object.entries(slotsOf).map(([slot, [first]]) => [slot, first!])),
    fallbacks: {
      ...noFallbacks,
      direct: Object.fromEntries(Object.entries(slotsOf).map(([slot, [, ...rest]]) => [slot, rest])),
    },
  });

const ask = (requested: string, slotsOf: Record<string, string[]>, keyNames: string[] = []) => {
  const answer = resolve({ requested, generation: generation(slotsOf), keyNames });
  return answer.kind === "refused"
    ? answer.reason
    : {
        attempts: answer.attempts.map(({ backend: { label }, keyName, why }) => [label, keyName, why]),
        skipped: answer.skipped,
      };
};

describe("the attempts", () => {
  const cases: [string, ReturnType<typeof ask>, unknown][] = [
    [
      "one backend without a key",
      ask("sonnet", { sonnet: ["open"] }),
      { attempts: [["open", null, "the slot's backend"]], skipped: [] },
    ],
    [
      "a key",
      ask("sonnet", { sonnet: ["keyed"] }, ["MY_KEY"]),
      { attempts: [["keyed", "MY_KEY", "the slot's backend"]], skipped: [] },
    ],
    [
      "a pool of keys in numeric order",
      ask("sonnet", { sonnet: ["keyed"] }, ["MY_KEY_10", "MY_KEY_2", "MY_KEY", "MY_KEY_X", "MY_KEY_2_3", "XMY_KEY_4"]),
      {
        attempts: [
          ["keyed", "MY_KEY", "the slot's backend, key 1 of 3"],
          ["keyed", "MY_KEY_2", "the slot's backend, key 2 of 3"],
          ["keyed", "MY_KEY_10", "the slot's backend, key 3 of 3"],
        ],
        skipped: [],
      },
    ],
    [
      "a pool without its base",
      ask("sonnet", { sonnet: ["keyed"] }, ["MY_KEY_3"]),
      { attempts: [["keyed", "MY_KEY_3", "the slot's backend"]], skipped: [] },
    ],
    [
      "fallbacks in order, what cannot be asked left out and said",
      ask("sonnet", { sonnet: ["keyed", "gone", "open"] }),
      {
        attempts: [["open", null, "fallback 2"]],
        skipped: [
          { label: "keyed", why: "MY_KEY is not set" },
          { label: "gone", why: "unknown backend" },
        ],
      },
    ],
    ["no key anywhere", ask("sonnet", { sonnet: ["keyed"] }), "no_key"],
    ["a backend nobody knows", ask("sonnet", { sonnet: ["gone"] }), "unknown_backend"],
    ["a slot that is not set", ask("opus", { sonnet: ["open"] }), "slot_not_set"],
    ["a model nobody knows", ask("llama", { sonnet: ["open"] }), "unknown_model"],
  ];
  for (const [name, got, wanted] of cases) test(name, () => expect(got).toEqual(wanted as typeof got));

  test("names every object has are no slots, backends or keys", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", ""])
      expect(ask(name, { sonnet: ["open"] })).toBe("unknown_model");
    for (const label of ["__proto__", "constructor"])
      expect(ask("sonnet", { sonnet: [label] })).toBe("unknown_backend");
    expect(keyPool("constructor", [])).toEqual([]);
  });
});

describe("a backend's own name asks for the slot it answers for", () => {
  const slotAsked = (requested: string, slotsOf: Record<string, string[]>) =>
    resolve({ requested, generation: generation(slotsOf), keyNames: [] }).slot?.id;
  test("by its label or its model, as long as a slot asks for it first", () => {
    const slotsOf = { opus: ["open"], haiku: ["keyed", "other"] };
    expect(
      ["open", "model-of-open", "model-of-keyed", "model-of-other", "other"].map((name) => slotAsked(name, slotsOf)),
    ).toEqual(["opus", "opus", "haiku", undefined, undefined]);
  });
  test("a slot's name stays the slot's, whatever a backend is called; two slots with one backend stay two", () => {
    const slotsOf = { sonnet: ["open"], gpt54: ["open"] };
    expect(["sonnet", "gpt-5.4", "claude-opus-1m", "model-of-open"].map((name) => slotAsked(name, slotsOf))).toEqual([
      "sonnet",
      "gpt54",
      "opus",
      "sonnet",
    ]);
  });
});

describe("the slot a name means", () => {
  const cases: [string, string | undefined][] = [
    ["sonnet", "sonnet"],
    ["SONNET", "sonnet"],
    ["claude-sonnet-5", "sonnet"],
    ["claude-sonnet-4-5-20250929", "sonnet"],
    ["claude-sonnet-5[1m]", "sonnet"],
    ["claude-opus-5-5", "opus"],
    ["claude-fable-1", "opus"],
    ["claude-haiku-4-5", "haiku"],
    ["gpt-5.4", "gpt54"],
    ["gpt-5.4-mini", "gpt54mini"],
    ["gpt-5.4-nano", undefined],
    ["gemini-3-pro-preview", "geminipro"],
    ["gemini-2.5-flash", "geminiflash"],
    ["gemini-2.5-flash-lite", "geminilite"],
    ["gpt-5.5", "gpt54"],
    ["gpt-6.1-sol", "gpt54"],
    ["gpt-6-mini", "gpt54mini"],
    ["codex-auto-review", "gpt54mini"],
    ["gemini-3.1-pro-preview-customtools", "geminipro"],
    ["gemini-3.8-flash", "geminiflash"],
    ["gemini-3.5-flash-lite", "geminilite"],
    ["gemini-2.5-computer-use-preview-10-2025", "geminiflash"],
    ["gemini-embedding-001", undefined],
    ["xclaude-sonnet", undefined],
    ["", undefined],
  ];
  for (const [name, slot] of cases)
    test(name === "" ? "(nothing)" : name, () => expect(slotOf(name)?.id).toBe(slot as string));
  test("every slot is named by its own id", () => expect(slots.filter(({ id }) => slotOf(id)?.id !== id)).toEqual([]));
});

test("a team's backends answer for its profile alone; the profile can only narrow what the team may", () => {
  const open = { slots: null, rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 0 };
  const team = {
    mode: "cli" as const,
    slots: { sonnet: "other", opus: "open" },
    fallbacks: { ...noFallbacks, direct: { sonnet: ["open"] } },
    access: { ...open, slots: ["sonnet"], rpm: 10 },
  };
  const teams = Object.freeze({
    ...generation({ sonnet: ["open"] }),
    teams: { work: team },
    profiles: {
      app: { team: "work", description: "", access: { ...open, slots: ["sonnet", "opus"], rpm: 30, tpm: 5 } },
      lost: { team: "gone", description: "", access: open },
    },
    modelPolicies: {
      sonnet: { mode: "manual_pin" as const, order: ["keyed"], weights: {}, cooldownMs: null, retries: null },
    },
  });
  const ask = (requested: string, profile: string | null) => {
    const answer = resolve({ requested, generation: teams, keyNames: ["OTHER_KEY", "MY_KEY"], profile });
    return answer.kind === "refused" ? answer.reason : answer.attempts.map(({ backend: { label } }) => label);
  };
  expect([ask("sonnet", null), ask("model-of-other", null)]).toEqual([["keyed"], "unknown_model"]);
  expect([ask("sonnet", "app"), ask("model-of-other", "app")]).toEqual([["other"], ["other"]]);
  const refused = [ask("opus", "app"), ask("open", "app"), ask("sonnet", "lost"), ask("sonnet", "none")];
  expect(refused.map(String)).toEqual(["not_allowed", "not_allowed", "unknown_profile", "unknown_profile"]);
  expect(viewOf(teams, "app")!.access).toEqual({ slots: ["sonnet"], rpm: 10, tpm: 5, concurrency: 0, dailyUsd: 0 });
});

test("who asks for what is none, or not his, is told of the allowed slots that are set; of all allowed ones where none is", () => {
  const hintOf = (requested: string, slotsOf: Record<string, string[]>, allowed: string[] | null) => {
    const { access, ...rest } = generation(slotsOf);
    const answer = resolve({ requested, generation: { ...rest, access: { ...access, slots: allowed } }, keyNames: [] });
    return answer.kind === "refused" ? [answer.reason, answer.hint] : answer.kind;
  };
  const set = { opus: ["open"], sonnet: ["open"] };
  expect(hintOf("llama", set, null)).toEqual(["unknown_model", "ask for a slot: sonnet, opus"]);
  expect(hintOf("llama", set, ["opus", "haiku"])).toEqual(["unknown_model", "ask for a slot: opus"]);
  expect(hintOf("sonnet", set, ["opus", "haiku"])).toEqual(["not_allowed", "ask for: opus"]);
  expect(hintOf("llama", {}, ["opus", "haiku"])).toEqual(["unknown_model", "ask for a slot: opus, haiku"]);
});

test("the same question has the same answer, and nothing is changed by asking", () => {
  const frozen = Object.freeze({
    ...emptyRouting,
    id: 1,
    backends: Object.freeze({ ...backends }),
    slots: Object.freeze({ sonnet: "keyed" }),
    fallbacks: Object.freeze({
      ...noFallbacks,
      direct: Object.freeze({ sonnet: Object.freeze(["open"]) as unknown as string[] }),
    }),
  });
  const keyNames = Object.freeze(["MY_KEY_2", "MY_KEY"]) as string[];
  const first = resolve({ requested: "sonnet", generation: frozen, keyNames });
  expect(resolve({ requested: "sonnet", generation: frozen, keyNames })).toEqual(first);
});

test("the tables hold together", () => {
  expect(catalogue.filter(({ provider }) => !providers.has(provider))).toEqual([]);
  expect(new Set(catalogue.map(({ label }) => label)).size).toBe(catalogue.length);
  for (const { keyEnv, dialect, endpoints } of providers.values()) {
    expect(keyEnv).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect(Object.keys(endpoints)).toContain(dialect);
    for (const { baseUrl } of Object.values(endpoints)) {
      expect(new URL(baseUrl).protocol).toBe("https:");
      expect(baseUrl.endsWith("/")).toBe(false);
    }
  }
  expect(allBackends(emptyRouting).length).toBe(catalogue.length);
  expect(allBackends({ ...emptyRouting, backends }).find(({ label }) => label === "open")!.baseUrl).toBe(
    "http://127.0.0.1:1/v1",
  );
});

test("what the operator set aside is no provider's refusal, and is lifted by its own command", () => {
  const aside = (reason: "manual_set" | "auth_failure") => {
    const entry = { state: "blocked" as const, reason, strikes: 0, untilMs: null, probeMs: 0, party: null };
    const health = { any: () => true, get: () => entry };
    const answer = resolve({ requested: "sonnet", generation: generation({ sonnet: ["open"] }), keyNames: [], health });
    return answer.kind === "refused"
      ? [answer.reason, answer.message, answer.hint.includes("model-state set")]
      : answer;
  };
  expect(aside("manual_set")).toEqual([
    "keys_refused",
    "the operator set aside whatever answers the slot sonnet",
    true,
  ]);
  expect(aside("auth_failure")).toEqual(["keys_refused", "the providers refuse every key of the slot sonnet", false]);
});
