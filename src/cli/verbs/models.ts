// `broke models [provider]`: every backend a slot can be pointed at, with what is known of it; `--refresh` asks the providers, nothing else does.

import { isoTime } from "#src/core/clock.ts";
import type { Price } from "#src/routing/generation.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

const HEAD = ["BACKEND", "PROVIDER", "MODEL", "", "CONTEXT", "READS", "USD/M", "KEYS", "LISTED"];

const drift = (pinned: boolean | null) => (pinned === null ? "unknown" : pinned ? "pinned" : "floating");
const cost = (price: Price | null) => (price === null ? "-" : `${price.input}/${price.output}`);
const facts = (of: { contextWindow: number | null; modalities: readonly string[] | null; price: Price | null }) => [
  of.contextWindow?.toString() ?? "-",
  of.modalities?.join(",") ?? "-",
  cost(of.price),
];

export const verb: Verb = {
  description: "List the backends a slot can be pointed at, or all that a provider lists",
  args: {
    provider: { type: "positional", required: false, description: "provider, or your backend with a base URL" },
    refresh: { type: "boolean", description: "ask every provider that has a key for its list first" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { allBackends } = await import("#src/routing/backends.ts");
    const { keyPool } = await import("#src/routing/candidates.ts");
    const { listedOf, listedState, requireOrigin, sourceOf } = await import("#src/routing/listing.ts");
    const { providers } = await import("#src/routing/providers.ts");
    const state = openState();
    const now = state.generations.current();
    const name = values.provider?.[0];
    if (name !== undefined) requireOrigin(now, name);
    const all = !flags.has("refresh") || (await (await import("../refresh-models.ts")).refreshModels(state));
    const listings = state.listings.all();
    const date = (ms: number | undefined) => (ms === undefined ? null : isoTime(ms));
    if (name !== undefined) {
      const listed = listedOf(now, name, listings).map(({ listedMs, ...one }) => ({
        ...one,
        listed_at: date(listedMs),
      }));
      const rows = listed.map((one) => [
        one.label,
        drift(one.pinned),
        ...facts(one),
        one.listed_at?.slice(0, 10) ?? "",
      ]);
      if (flags.has("json")) answerJson(listed);
      else if (rows.length === 0) answer("no list of it is kept; `broke models --refresh` asks for it");
      else answer(table([["BACKEND", "", "CONTEXT", "READS", "USD/M", "LISTED"], ...rows]));
      return all ? 0 : 3;
    }
    const names = state.keys.names();
    const backends = allBackends(now).map((backend) => {
      const { state: listed, listed: said } = listedState(backend, listings);
      return {
        ...backend,
        provider_name: backend.provider === null ? null : (providers.get(backend.provider)?.name ?? null),
        contextWindow: backend.contextWindow ?? said?.contextWindow ?? null,
        modalities: backend.modalities ?? said?.modalities ?? null,
        price: backend.price ?? said?.price ?? null,
        keys: backend.keyEnv === null ? null : keyPool(backend.keyEnv, names).length,
        listed,
        listed_at: date(listings.get(sourceOf(backend))?.listedMs),
      };
    });
    const key = ({ keys, keyEnv }: (typeof backends)[number]) =>
      keys === null ? "no key needed" : keys > 0 ? `${keys} key(s)` : `needs ${keyEnv}`;
    if (flags.has("json")) answerJson(backends);
    else {
      const rows = backends.map((of) => [
        ...[of.label, of.provider_name ?? "-", of.model, drift(of.pinned), ...facts(of), key(of)],
        of.listed_at === null ? "" : `${of.listed === "stale" ? "stale, " : ""}${of.listed_at.slice(0, 10)}`,
      ]);
      answer(table([HEAD, ...rows]));
    }
    return all ? 0 : 3;
  },
};
