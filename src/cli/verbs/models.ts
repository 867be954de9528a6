// `broke models [provider]`: every backend a slot can be pointed at, with what is known of it; `--refresh` asks the providers, nothing else does.

import { systemClock } from "#src/core/clock.ts";
import type { Price } from "#src/routing/generation.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

type Known = {
  pinned: boolean | null;
  contextWindow: number | null;
  modalities: readonly string[] | null;
  price: Price | null;
};
const facts = ({ pinned, contextWindow, modalities, price }: Known) => [
  pinned === null ? "unknown" : pinned ? "pinned" : "floating",
  ...[contextWindow?.toString() ?? "-", modalities?.join(",") ?? "-"],
  price === null ? "-" : `${price.input}/${price.output}`,
];
const HEAD = ["VERSION", "CONTEXT", "READS", "USD/M"];

export const verb: Verb = {
  description: "List the backends a slot can be pointed at, or all that a provider lists",
  args: {
    provider: { type: "positional", required: false, description: "provider, or your backend with a base URL" },
    refresh: { type: "boolean", description: "ask every provider that has a key for its list first" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { openListings } = await import("#src/state/listings.ts");
    const { requireOrigin } = await import("#src/routing/listing.ts");
    const { describeListed, describeModels } = await import("#src/observe/models.ts");
    const state = openState();
    const store = openListings(state.db, systemClock);
    const now = state.generations.current();
    const name = values.provider?.[0];
    if (name !== undefined) requireOrigin(now, name);
    const all = !flags.has("refresh") || (await (await import("../refresh-models.ts")).refreshModels(state, store));
    if (name !== undefined) {
      const listed = describeListed(now, name, store.all());
      const rows = listed.map((one) => [one.label, ...facts(one), one.listed_at.slice(0, 10)]);
      if (flags.has("json")) answerJson(listed);
      else if (rows.length === 0) answer("no list of it is kept; `broke models --refresh` asks for it");
      else answer(table([["BACKEND", ...HEAD, "LISTED"], ...rows]));
      return all ? 0 : 3;
    }
    const models = describeModels(now, store.all(), state.keys.names());
    const rows = models.map((of) => [
      ...[of.label, of.provider_name ?? "-", of.model, ...facts(of)],
      of.keys === null ? "no key needed" : of.keys > 0 ? `${of.keys} key(s)` : `needs ${of.keyEnv}`,
      of.listed_at === null ? "" : `${of.listed === "stale" ? "stale, " : ""}${of.listed_at.slice(0, 10)}`,
    ]);
    if (flags.has("json")) answerJson(models);
    else answer(table([["BACKEND", "PROVIDER", "MODEL", ...HEAD, "KEYS", "LISTED"], ...rows]));
    return all ? 0 : 3;
  },
};
