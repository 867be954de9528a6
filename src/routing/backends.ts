// From a label to everything needed to call it: the operator's own backends first, then the catalogue. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { catalogue } from "./catalogue.ts";
import type { Dialect } from "#src/core/dialects.ts";
import type { Price, Routing, StoredBackend } from "./generation.ts";
import type { Quirks } from "#src/core/quirks.ts";
import { keyHeaderOf, type KeyHeader, type Provider, providers, modelQuirks, quirksOf } from "./providers.ts";

export type Backend = {
  label: string;
  provider: string | null;
  model: string;
  dialect: Dialect;
  baseUrl: string;
  keyEnv: string | null;
  keyHeader: KeyHeader;
  /** What it takes beyond or short of its dialect. */
  quirks: Partial<Quirks>;
  /** False: the provider may change what stands behind the name. Null: unknown. */
  pinned: boolean | null;
  /** Null: unknown. */
  price: Price | null;
  /** In tokens. Null: unknown. */
  contextWindow: number | null;
  /** What it reads. Null: unknown. */
  modalities: readonly string[] | null;
  source: "operator" | "catalogue";
};

/** A provider's model in one of its dialects. Throws `config` when the provider does not speak it. */
function atProvider(
  provider: Provider,
  dialect: Dialect,
  model: string,
): Pick<Backend, "dialect" | "baseUrl" | "keyHeader" | "quirks"> {
  const endpoint = provider.endpoints[dialect];
  if (endpoint === undefined) throw new BrokeError("config", `${provider.name} does not speak ${dialect}`);
  const { baseUrl, keyHeader } = endpoint;
  return { dialect, baseUrl, keyHeader, quirks: quirksOf(provider, dialect, model) };
}

/** A name that says itself that it comes to mean other models; null: it may, or may not. */
export const floats = (model: string): false | null => (/(^|[-:/])latest$/i.test(model) ? false : null);

/** What a provider is asked with that is no question to a model. */
export function providerBackend(provider: Provider): Backend {
  const { id, name: label, keyEnv, dialect } = provider;
  const unknown = { pinned: null, price: null, contextWindow: null, modalities: null };
  return {
    label,
    provider: id,
    model: "",
    keyEnv,
    ...unknown,
    ...atProvider(provider, dialect, ""),
    source: "catalogue",
  };
}

function fromStored(stored: StoredBackend): Backend {
  const { label, model, provider: providerId } = stored;
  const provider = providerId === null ? undefined : providers.get(providerId);
  const dialect = stored.dialect ?? provider?.dialect;
  const rest = {
    label,
    model,
    provider: providerId,
    keyEnv: stored.keyEnv ?? provider?.keyEnv ?? null,
    pinned: floats(model),
    price: stored.price,
    contextWindow: stored.contextWindow ?? null,
    modalities: stored.modalities ?? null,
    source: "operator",
  } as const;
  // A base URL of the operator's own is another server, whatever it is said to be compatible with; its models are what their names say.
  if (stored.baseUrl !== null && dialect !== undefined) {
    const baseUrl = stored.baseUrl.replace(/\/+$/, "");
    return {
      ...rest,
      dialect,
      baseUrl,
      keyHeader: keyHeaderOf[dialect],
      quirks: { ...modelQuirks(dialect, model), ...stored.quirks },
    };
  }
  if (provider === undefined || dialect === undefined) {
    throw new BrokeError(
      "config",
      `backend ${label} names no known provider and no base URL`,
      "remove it and add it again",
    );
  }
  const at = atProvider(provider, dialect, model);
  return { ...rest, ...at, quirks: { ...at.quirks, ...stored.quirks } };
}

const byLabel = new Map(catalogue.map((entry) => [entry.label, entry]));

/** The backend of that label; undefined when neither the operator nor the catalogue knows it. */
export function findBackend(routing: Routing, label: string): Backend | undefined {
  const stored = Object.hasOwn(routing.backends, label) ? routing.backends[label] : undefined;
  if (stored !== undefined) return fromStored(stored);
  const entry = byLabel.get(label);
  const provider = entry === undefined ? undefined : providers.get(entry.provider);
  if (entry === undefined || provider === undefined) return undefined;
  const { keyEnv, dialect } = provider;
  return { ...entry, keyEnv, ...atProvider(provider, dialect, entry.model), source: "catalogue" };
}

/** Every label that can be routed to, the operator's own first. */
export function allBackends(routing: Routing): Backend[] {
  const own = Object.values(routing.backends).map(fromStored);
  const taken = new Set(own.map((backend) => backend.label));
  const rest = catalogue.filter((entry) => !taken.has(entry.label)).map((entry) => findBackend(routing, entry.label));
  return [...own, ...rest.filter((backend) => backend !== undefined)];
}
