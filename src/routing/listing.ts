// What a provider's own list says of its models: read from the shapes the providers answer in, and a listed model as a backend of its own. Pure.
// Facts: Groq `context_window`; OpenRouter `context_length`, `architecture`, `pricing` in dollars a token; Hugging Face `providers`, in dollars a
// million; Gemini `inputTokenLimit`; GitHub `limits`, `supported_input_modalities`; Anthropic `max_input_tokens` (their references, November 2026).
// Does not stop: a provider that lists what it does not serve.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { nearest } from "#src/core/nearest.ts";
import { type Backend, findBackend, floats, providerBackend } from "./backends.ts";
import { addBackend } from "./edit.ts";
import { type Price, priceSchema, type Routing } from "./generation.ts";
import { providers } from "./providers.ts";

/** What is null, the list does not say. */
export const listedSchema = v.strictObject({
  model: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,256}$/)),
  contextWindow: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  modalities: v.nullable(v.array(v.string())),
  price: v.nullable(priceSchema),
});
export type ListedModel = v.InferOutput<typeof listedSchema>;

/** `complete` false: there was more than one page, so what is not in it may still be served. */
export const listingSchema = v.strictObject({ complete: v.boolean(), models: v.array(listedSchema) });
export type Listing = v.InferOutput<typeof listingSchema>;
/** Listings by source: a provider's id, or a base URL of the operator's. */
export type Listings = ReadonlyMap<string, Listing & { listedMs: number }>;

const MOST_MODELS = 10_000;

/** Whatever is not as it should be is as if it were not there. */
const maybe = <Output>(schema: v.GenericSchema<unknown, Output>) => v.fallback(v.nullish(schema), null);
const tokens = maybe(v.pipe(v.number(), v.integer(), v.minValue(1)));
const words = maybe(v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z]{1,16}$/))), v.maxLength(16)));
const dollars = maybe(
  v.pipe(v.union([v.number(), v.pipe(v.string(), v.decimal())]), v.transform(Number), v.minValue(0)),
);

const entrySchema = v.object({
  id: maybe(v.string()),
  name: maybe(v.string()),
  context_window: tokens,
  context_length: tokens,
  max_input_tokens: tokens,
  inputTokenLimit: tokens,
  limits: maybe(v.object({ max_input_tokens: tokens })),
  supported_input_modalities: words,
  architecture: maybe(v.object({ input_modalities: words })),
  pricing: maybe(v.object({ prompt: dollars, completion: dollars, input_cache_read: dollars })),
  providers: maybe(
    v.array(v.object({ context_length: tokens, pricing: maybe(v.object({ input: dollars, output: dollars })) })),
  ),
});

const pageSchema = v.union([
  v.pipe(
    v.array(v.unknown()),
    v.transform((data) => ({ data, more: false })),
  ),
  v.pipe(
    v.object({ data: v.array(v.unknown()), has_more: maybe(v.boolean()) }),
    v.transform(({ data, has_more: more }) => ({ data, more: more === true })),
  ),
  v.pipe(
    v.object({ models: v.array(v.unknown()), nextPageToken: maybe(v.string()) }),
    v.transform(({ models: data, nextPageToken }) => ({ data, more: (nextPageToken ?? "") !== "" })),
  ),
]);

/** To a hundredth of a millionth: a price a token is a long fraction. */
const perMillion = (dollarsPerToken: number) => Math.round(dollarsPerToken * 1e14) / 1e8;

function priceOf({ pricing, providers: hosts }: v.InferOutput<typeof entrySchema>): Price | null {
  const { prompt: input, completion: output, input_cache_read: cached } = pricing ?? {};
  const said =
    input != null && output != null
      ? { input: perMillion(input), output: perMillion(output), cached: cached == null ? null : perMillion(cached) }
      : hosts?.length === 1
        ? { input: hosts[0]!.pricing?.input, output: hosts[0]!.pricing?.output, cached: null }
        : null;
  const price = v.safeParse(priceSchema, said);
  return price.success ? price.output : null;
}

function readEntry(stored: unknown): ListedModel[] {
  const entry = v.safeParse(entrySchema, stored);
  if (!entry.success) return [];
  const { id, name, limits, architecture, providers: hosts, ...said } = entry.output;
  const model = v.safeParse(listedSchema.entries.model, id ?? name?.replace(/^models\//, ""));
  if (!model.success) return [];
  // Who serves it decides how much it takes, so where several do only the least is sure.
  const served = (hosts ?? []).flatMap(({ context_length: length }) => length ?? []);
  const contextWindow =
    said.context_window ??
    said.context_length ??
    said.max_input_tokens ??
    said.inputTokenLimit ??
    limits?.max_input_tokens ??
    (served.length === 0 ? null : Math.min(...served));
  const modalities = said.supported_input_modalities ?? architecture?.input_modalities ?? null;
  return [{ model: model.output, contextWindow, modalities, price: priceOf(entry.output) }];
}

/** Reads a provider's answer; undefined when it is no list of models. */
export function readListing(document: Json | undefined): Listing | undefined {
  const page = v.safeParse(pageSchema, document);
  if (!page.success) return undefined;
  const { data, more } = page.output;
  const models = new Map(
    data.slice(0, MOST_MODELS).flatMap((entry) => readEntry(entry).map((one) => [one.model, one])),
  );
  return { complete: !more && data.length <= MOST_MODELS, models: [...models.values()] };
}

/** Who is asked for the list a backend is in. */
export function sourceOf(backend: Pick<Backend, "provider" | "baseUrl" | "dialect">): string {
  const provider = backend.provider === null ? undefined : providers.get(backend.provider);
  return provider?.endpoints[backend.dialect]?.baseUrl === backend.baseUrl ? backend.provider! : backend.baseUrl;
}

/** Everybody who could be asked for a list, by source: every provider, and the operator's own base URLs. */
export function listSources(routing: Routing): Map<string, Backend> {
  const own = Object.keys(routing.backends).flatMap((label) => findBackend(routing, label) ?? []);
  return new Map([
    ...[...providers.values()].map((provider) => [provider.id, providerBackend(provider)] as const),
    ...own.flatMap((backend) => {
      const source = sourceOf(backend);
      return providers.has(source) ? [] : [[source, backend] as const];
    }),
  ]);
}

/** `stale`: the provider's last list, all of it, is without this model. Null: nobody asked. */
export function listedState(
  backend: Backend,
  listings: Listings,
): { state: "listed" | "stale" | null; listed: ListedModel | null } {
  const listing = listings.get(sourceOf(backend));
  if (listing === undefined) return { state: null, listed: null };
  const listed = listing.models.find(({ model }) => model === backend.model) ?? null;
  return { state: listed !== null ? "listed" : listing.complete ? "stale" : null, listed };
}

type Origin = { source: string; like: Partial<Routing["backends"][string]> };

/** The names before a model's that mean a source: a provider's id, and the label of a backend that has a base URL of its own. */
function originsOf(routing: Routing): Map<string, Origin> {
  const own = Object.values(routing.backends).flatMap(({ label, provider, baseUrl, dialect, keyEnv }) => {
    const backend = baseUrl === null ? undefined : findBackend(routing, label);
    return backend === undefined
      ? []
      : ([[label, { source: sourceOf(backend), like: { provider, baseUrl, dialect, keyEnv } }]] as const);
  });
  return new Map<string, Origin>([
    ...own,
    ...[...providers.keys()].map((id) => [id, { source: id, like: { provider: id } }] as const),
  ]);
}

/** Throws `usage` for what lists nothing. */
export function requireOrigin(routing: Routing, name: string): void {
  const known = [...originsOf(routing).keys()];
  if (known.includes(name)) return;
  const guess = nearest(name, known);
  throw new BrokeError(
    "usage",
    "nobody of that name lists models",
    guess === undefined ? `known: ${known.join(", ")}` : `did you mean ${guess}?`,
  );
}

/**
 * The routing with a backend of the operator's for a label that is none yet, where it is `<provider>/<model>`, or `<backend>/<model>` for a base URL,
 * and a list has the model; else as it was.
 */
export function adoptListed(routing: Routing, label: string, listings: Listings): Routing {
  if (findBackend(routing, label) !== undefined) return routing;
  for (const [name, { source, like }] of originsOf(routing)) {
    if (!label.startsWith(`${name}/`)) continue;
    const listed = listings.get(source)?.models.find(({ model }) => model === label.slice(name.length + 1));
    if (listed === undefined) continue;
    const nothing = { provider: null, baseUrl: null, dialect: null, keyEnv: null };
    return addBackend(routing, { ...nothing, ...like, ...listed, label });
  }
  return routing;
}

export type ListedView = ListedModel & { label: string; pinned: false | null; listedMs: number };

/** What a source lists, each under the label that `swap` takes. Empty: it lists nothing, or was not asked. */
export function listedOf(routing: Routing, name: string, listings: Listings): ListedView[] {
  const origin = originsOf(routing).get(name);
  const listing = origin === undefined ? undefined : listings.get(origin.source);
  if (listing === undefined) return [];
  const { listedMs } = listing;
  return listing.models.map((one) => ({ ...one, label: `${name}/${one.model}`, pinned: floats(one.model), listedMs }));
}
