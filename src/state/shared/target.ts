// Where replicas keep what they share, as the operator said it in `BROKE_STATE`, and what holds while it cannot be reached.
// The URL may hold a password: only `name` is ever shown.

import { BrokeError } from "#src/core/errors.ts";

/** `limits` closed: who has limits is refused meanwhile; `health` closed: so is everybody. `secrets`: what of the URL must never be written down. */
export type SharedTarget = {
  url: string;
  name: string;
  secrets: readonly string[];
  limits: "closed" | "open";
  health: "closed" | "open";
};

const SCHEMES: ReadonlySet<string> = new Set(["redis:", "rediss:", "valkey:", "valkeys:"]);

function choice(name: string, said: string | undefined, usual: "closed" | "open"): "closed" | "open" {
  if (said === undefined) return usual;
  if (said === "closed" || said === "open") return said;
  throw new BrokeError("config", `${name} is closed or open`, `leave it out for ${usual}`);
}

/** As it is meant. Throws `config` for what only looks like percent-encoding. */
function plain(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    throw new BrokeError("config", "the password in BROKE_STATE is not percent-encoded", "a % of its own is %25 there");
  }
}

/** The target; undefined where SQLite alone keeps the state. Throws `config` for what is no such URL, without repeating it. */
export function sharedTarget(get: (name: string) => string | undefined): SharedTarget | undefined {
  const said = get("BROKE_STATE");
  if (said === undefined || said === "sqlite") return undefined;
  const url = URL.parse(said);
  const database = url?.pathname.replace(/^\//, "") ?? "";
  if (url === null || !SCHEMES.has(url.protocol) || url.hostname === "" || !/^\d{0,3}$/.test(database))
    throw new BrokeError(
      "config",
      "BROKE_STATE is not the URL of a Redis",
      "redis://host:6379/0, rediss:// for TLS, or sqlite",
    );
  const secrets = [url.password, plain(url.password)].filter((secret) => secret !== "");
  return {
    url: said,
    name: `${url.protocol}//${url.hostname}:${url.port || 6379}/${database || 0}`,
    secrets,
    limits: choice("BROKE_STATE_LIMITS", get("BROKE_STATE_LIMITS"), "closed"),
    health: choice("BROKE_STATE_HEALTH", get("BROKE_STATE_HEALTH"), "open"),
  };
}
