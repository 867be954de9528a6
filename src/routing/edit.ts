// Edits of a routing, pure: each takes one and returns the next, or throws `usage`/`missing` and changes nothing.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { didYouMean } from "#src/core/nearest.ts";
import { makeRedactor } from "#src/core/text.ts";
import { allBackends, findBackend } from "./backends.ts";
import { backendSchema, type Fallbacks, type Routing, type StoredBackend } from "./generation.ts";
import { providers } from "./providers.ts";
import { slotsOf } from "./slots.ts";

function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== "" || password !== "";
}

/** What a part of a backend is. A schema's own words quote what was given, which may be a key. */
const expected: Record<string, string> = {
  label: "letters, digits, spaces and . _ + : / @ -, 64 at most",
  baseUrl: "a URL, as in https://host/v1",
  model: "1 to 256 characters",
  keyEnv: "the name of a variable, as in GROQ_API_KEY; the key itself goes into .env under that name",
  price: "US dollars for a million tokens, 1000000 at most",
};
const redactShapes = makeRedactor();

/** Whether a name may be a key that was put in its place: it has the shape of one, or is one long run of letters and digits. */
const mayBeKey = (name: string) => redactShapes(name) !== name || /^(?=.*\d)[A-Za-z0-9]{32,}$/.test(name);

/** Adds a backend under a new label. */
export function addBackend(routing: Routing, backend: StoredBackend): Routing {
  if (backend.baseUrl !== null && !/^https?:\/\//.test(backend.baseUrl)) {
    throw new BrokeError("usage", "--base-url must start with http:// or https://");
  }
  if (backend.baseUrl !== null && hasCredentials(backend.baseUrl)) {
    throw new BrokeError(
      "usage",
      "--base-url must not carry credentials",
      "put the key in .env and name it with --key-env",
    );
  }
  // The dialect's own path is put after it.
  if (backend.baseUrl !== null && /[?#]/.test(backend.baseUrl))
    throw new BrokeError("usage", "--base-url must end before any ? or #", "the path of each request is put after it");
  // It is shown in tables and lines, which a line of its own would forge.
  if (/\p{C}/u.test(backend.model)) throw new BrokeError("usage", "--model must not hold control characters");
  const parsed = v.safeParse(backendSchema, backend);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]) ?? "the backend";
    throw new BrokeError("usage", `${where} is not valid`, expected[where.split(".")[0]!]);
  }
  if (backend.keyEnv !== null && mayBeKey(backend.keyEnv))
    throw new BrokeError("usage", "keyEnv is a key, not the name of one", `it is ${expected.keyEnv}`);
  if (findBackend(routing, backend.label) !== undefined) {
    throw new BrokeError(
      "usage",
      `there is a backend ${backend.label} already`,
      `\`broke backend remove ${backend.label}\` first, or choose another label`,
    );
  }
  if (backend.provider === null && (backend.baseUrl === null || backend.dialect === null)) {
    throw new BrokeError("usage", "a backend needs --provider, or --base-url with --dialect");
  }
  if (backend.provider !== null && !providers.has(backend.provider)) {
    const known = [...providers.keys()];
    throw new BrokeError(
      "usage",
      "unknown provider",
      didYouMean(backend.provider, known) ?? `known: ${known.join(", ")}`,
    );
  }
  const provider = backend.provider === null ? undefined : providers.get(backend.provider);
  if (provider !== undefined && backend.baseUrl === null && backend.dialect !== null) {
    const spoken = Object.keys(provider.endpoints);
    if (!spoken.includes(backend.dialect)) {
      throw new BrokeError(
        "usage",
        `${provider.name} does not speak ${backend.dialect}`,
        `it speaks ${spoken.join(", ")}`,
      );
    }
  }
  return { ...routing, backends: { ...routing.backends, [backend.label]: parsed.output } };
}

/** Every place of the routing that names the backend, in words. */
function usersOf(routing: Routing, label: string): string[] {
  const fallbacksOf = ({ direct, lane, backend }: Fallbacks) =>
    Object.entries({ ...backend, ...lane, ...direct }).flatMap(([from, labels]) =>
      labels.includes(label) ? [`the fallbacks of ${from}`] : [],
    );
  const slotsWith = (slots: Record<string, string>) =>
    Object.entries(slots).flatMap(([slot, set]) => (set === label ? [slot] : []));
  return [
    ...slotsWith(routing.slots),
    ...fallbacksOf(routing.fallbacks),
    ...Object.entries(routing.modelPolicies).flatMap(([slot, { order }]) =>
      order.includes(label) ? [`the policy of ${slot}`] : [],
    ),
    ...Object.entries(routing.teams).flatMap(([team, { slots, fallbacks }]) =>
      [...slotsWith(slots), ...fallbacksOf(fallbacks)].map((user) => `${user} in the team ${team}`),
    ),
  ];
}

/** Removes an operator's backend. Throws `denied` while a slot uses it. */
export function removeBackend(routing: Routing, label: string): Routing {
  if (!Object.hasOwn(routing.backends, label)) {
    throw new BrokeError(
      "missing",
      "no such backend of yours",
      didYouMean(label, Object.keys(routing.backends)) ?? "`broke backend list` shows them",
    );
  }
  const users = usersOf(routing, label);
  if (users.length > 0) {
    throw new BrokeError(
      "denied",
      `${label} answers for ${users.join(", ")}`,
      "swap those slots to another backend first",
    );
  }
  const { [label]: _, ...backends } = routing.backends;
  return { ...routing, backends };
}

/** Changes settings: `lossless` (`on`, `off`) and `silence` (whole seconds a provider may say nothing). All or nothing. */
export function changeSettings(routing: Routing, changes: { name: string; value: string }[]): Routing {
  return changes.reduce((current, { name, value }) => {
    if (name === "lossless") {
      if (value !== "on" && value !== "off") throw new BrokeError("usage", "lossless is on or off");
      return { ...current, lossless: value === "on" };
    }
    if (name === "silence") {
      if (!/^[1-9]\d{0,4}$/.test(value)) throw new BrokeError("usage", "silence is a number of seconds, 1 to 99999");
      return { ...current, silenceMs: Number(value) * 1000 };
    }
    const known = ["lossless", "silence"];
    throw new BrokeError("usage", "unknown setting", didYouMean(name, known) ?? `settings: ${known.join(", ")}`);
  }, routing);
}

/** Points slots at backends: pairs of a slot id (or `all`, of one client if one is named) and a label. All or nothing. */
export function swapSlots(routing: Routing, assignments: { slot: string; label: string }[], client?: string): Routing {
  const clients = ["claude", "codex", "gemini"];
  if (client !== undefined && !clients.includes(client))
    throw new BrokeError("usage", "unknown client", didYouMean(client, clients) ?? `clients: ${clients.join(", ")}`);
  const next = { ...routing.slots };
  for (const { slot, label } of assignments) {
    if (findBackend(routing, label) === undefined) {
      const known = allBackends(routing).map((backend) => backend.label);
      throw new BrokeError("usage", "unknown backend", didYouMean(label, known) ?? "`broke models` lists the backends");
    }
    const known = slotsOf(routing).map(({ id }) => id);
    const all = slotsOf(routing).filter((item) => client === undefined || item.client === client);
    if (slot !== "all" && client !== undefined && !all.some(({ id }) => id === slot) && known.includes(slot))
      throw new BrokeError(
        "usage",
        `${slot} is no slot of ${client}`,
        `its slots: ${all.map(({ id }) => id).join(", ")}`,
      );
    const targets = slot === "all" ? all.map(({ id }) => id) : [slot];
    for (const target of targets) {
      if (!known.includes(target)) {
        throw new BrokeError("usage", "unknown slot", didYouMean(target, known) ?? `slots: ${known.join(", ")}`);
      }
      next[target] = label;
    }
  }
  return { ...routing, slots: next };
}
