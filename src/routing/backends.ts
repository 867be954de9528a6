// From a label to everything needed to call it: the operator's own backends first, then the catalogue. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { catalogue } from "./catalogue.ts";
import type { Dialect } from "#src/core/dialects.ts";
import type { Routing, StoredBackend } from "./generation.ts";
import { keyHeaderOf, type KeyHeader, providers } from "./providers.ts";

export type Backend = {
  label: string;
  provider: string | null;
  model: string;
  dialect: Dialect;
  baseUrl: string;
  keyEnv: string | null;
  keyHeader: KeyHeader;
  /** False: the provider may change what stands behind the name. Null: unknown. */
  pinned: boolean | null;
  source: "operator" | "catalogue";
};

function fromStored(stored: StoredBackend): Backend {
  const provider = stored.provider === null ? undefined : providers.get(stored.provider);
  const dialect = stored.dialect ?? provider?.dialect;
  const baseUrl = stored.baseUrl ?? provider?.baseUrl;
  if (dialect === undefined || baseUrl === undefined) {
    throw new BrokeError(
      "config",
      `backend ${stored.label} names no known provider and no base URL`,
      "remove it and add it again",
    );
  }
  return {
    label: stored.label,
    provider: stored.provider,
    model: stored.model,
    dialect,
    baseUrl: baseUrl.replace(/\/+$/, ""),
    keyEnv: stored.keyEnv ?? provider?.keyEnv ?? null,
    keyHeader: provider !== undefined && stored.dialect === null ? provider.keyHeader : keyHeaderOf[dialect],
    pinned: null,
    source: "operator",
  };
}

/** The backend of that label; undefined when neither the operator nor the catalogue knows it. */
export function findBackend(routing: Routing, label: string): Backend | undefined {
  const stored = Object.hasOwn(routing.backends, label) ? routing.backends[label] : undefined;
  if (stored !== undefined) return fromStored(stored);
  const entry = catalogue.find((known) => known.label === label);
  const provider = entry === undefined ? undefined : providers.get(entry.provider);
  if (entry === undefined || provider === undefined) return undefined;
  const { dialect, baseUrl, keyEnv, keyHeader } = provider;
  return { ...entry, dialect, baseUrl, keyEnv, keyHeader, source: "catalogue" };
}

/** Every label that can be routed to, the operator's own first. */
export function allBackends(routing: Routing): Backend[] {
  const own = Object.values(routing.backends).map(fromStored);
  const taken = new Set(own.map((backend) => backend.label));
  const rest = catalogue.filter((entry) => !taken.has(entry.label)).map((entry) => findBackend(routing, entry.label));
  return [...own, ...rest.filter((backend) => backend !== undefined)];
}
