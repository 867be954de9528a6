// Whether the routing holds together, without asking anybody: five sections, each with what is wrong (fail) and what may surprise (warn).

import { type Backend, findBackend } from "#src/routing/backends.ts";
import { keyPool } from "#src/routing/candidates.ts";
import { fallbackOf } from "#src/routing/fallback.ts";
import type { Generation } from "#src/routing/generation.ts";
import { providers } from "#src/routing/providers.ts";
import { viewOf } from "#src/routing/view.ts";

export const sections = ["slot fields", "provider format", "api keys", "fallback chains", "alias stability"] as const;

export type Line = { status: "ok" | "warn" | "fail"; about: string; detail: string };
export type Section = { section: (typeof sections)[number]; lines: Line[] };

/** What a template leaves where a key belongs. */
const PLACEHOLDER = /X{5,}|^<.*>$|your[-_ ]?(api[-_ ]?)?key|^changeme$/i;

const line = (status: Line["status"], about: string, detail: string): Line => ({ status, about, detail });

function keyLine(backend: Backend, names: readonly string[], valueOf: (name: string) => string | undefined): Line {
  const { keyEnv, label } = backend;
  if (keyEnv === null) return line("ok", label, "needs no key");
  const pool = keyPool(keyEnv, names);
  if (pool.length === 0) return line("fail", label, `${keyEnv} is not set`);
  const empty = pool.filter((name) => PLACEHOLDER.test(valueOf(name) ?? ""));
  if (empty.length > 0) return line("fail", label, `${empty.join(", ")} holds a placeholder`);
  return line("ok", label, pool.join(", "));
}

/** `valueOf` is looked at for placeholders, never told. */
export function validate(
  generation: Generation,
  keyNames: readonly string[],
  valueOf: (name: string) => string | undefined,
): Section[] {
  const view = viewOf(generation, null)!;
  const set = Object.entries(view.slots);
  const chains = set.map(([slot, label]) => ({ slot, label, chain: fallbackOf(view, slot) }));
  const used = [...new Set(chains.flatMap(({ label, chain }) => [label, ...(chain?.labels ?? [])]))];
  const backends = used.flatMap((label) => findBackend(generation, label) ?? []);
  const lines: Record<Section["section"], Line[]> = {
    "slot fields": set.map(([slot, label]) =>
      findBackend(generation, label) === undefined
        ? line("fail", slot, `${label} is no backend`)
        : line("ok", slot, label),
    ),
    "provider format": backends.map(({ label, provider, baseUrl, dialect }) =>
      provider !== null && !providers.has(provider)
        ? line("fail", label, `${provider} is no provider`)
        : line("ok", label, provider ?? `${dialect} at ${baseUrl}`),
    ),
    "api keys": backends.map((backend) => keyLine(backend, keyNames, valueOf)),
    "fallback chains": chains.map(({ slot, label, chain }) => {
      if (chain === undefined) return line("ok", slot, "none");
      const lost = chain.labels.filter((other) => findBackend(generation, other) === undefined);
      if (lost.length > 0) return line("fail", slot, `${lost.join(", ")}: no such backend`);
      const targets = generation.fallbacks[chain.scope === "slot" ? "slot" : "direct"][slot] ?? [];
      const unset = chain.scope === "slot" ? targets.filter((other) => !Object.hasOwn(view.slots, other)) : [];
      if (unset.length > 0) return line("warn", slot, `${unset.join(", ")}: not set, so it adds nothing`);
      if (chain.labels.length === 0) return line("warn", slot, "it has an entry that adds nothing");
      return line("ok", slot, `${[label, ...chain.labels].join(" → ")} [${chain.scope}]`);
    }),
    "alias stability": backends.map(({ label, pinned, model }) =>
      pinned === true
        ? line("ok", label, "pinned")
        : line(
            "warn",
            label,
            pinned === false
              ? `floating alias: ${model} may come to mean another model`
              : "unknown whether it is pinned",
          ),
    ),
  };
  return sections.map((section) => ({ section, lines: lines[section] }));
}
