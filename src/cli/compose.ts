// The only wiring of state, gateway and harness. Everything heavy is imported where it is needed, so that `broke --help` stays fast.

import { systemClock } from "#src/core/clock.ts";
import { makeRedactor } from "#src/core/text.ts";
import { note } from "./output.ts";
import type { Known } from "#src/observe/routes.ts";
import { type Db, openDatabase } from "#src/state/database.ts";
import { openGenerations } from "#src/state/generations.ts";
import type { HeadStore } from "#src/state/heads.ts";
import { type HealthStore, openHealth } from "#src/state/health.ts";
import { type Home, openHome } from "#src/state/paths.ts";
import type { LimitStore } from "#src/state/limits.ts";
import type { RequestLog } from "#src/state/requests.ts";
import { openRotation, type RotationStore } from "#src/state/rotation.ts";
import type { RoleStore } from "#src/state/roles.ts";
import type { RunStore } from "#src/state/runs.ts";
import type { VerdictStore } from "#src/state/verdicts.ts";
import type { SnapshotStore } from "#src/state/snapshots.ts";
import type { TokenStore } from "#src/state/tokens.ts";
import type { TrustStore } from "#src/state/trust.ts";
import { openSettings, type SettingStore } from "#src/state/settings.ts";
import { type KeyRing, openKeyRing } from "#src/state/keys.ts";
import { providers } from "#src/routing/providers.ts";
import { keyPool } from "#src/routing/candidates.ts";
import { isAlive, ownerNow } from "#src/gateway/ownership.ts";
import { usualTiming } from "#src/gateway/ports.ts";
import type { Generation } from "#src/routing/generation.ts";

/** Names of every key that routing could use, set or not. */
export function secretNames(keys: Pick<KeyRing, "names">, generation: Generation): string[] {
  const bases = [
    ...[...providers.values()].map((provider) => provider.keyEnv),
    ...Object.values(generation.backends).map((backend) => backend.keyEnv),
  ];
  const names = keys.names();
  return bases.filter((base) => base !== null).flatMap((base) => [base, ...keyPool(base, names)]);
}

/** Their values: what must never be written down. */
export function secretValues(keys: KeyRing, generation: Generation): string[] {
  const values = secretNames(keys, generation).map((name) => keys.get(name));
  return values.filter((value) => value !== undefined);
}

type Made<Makers> = { [Name in keyof Makers]: Makers[Name] extends () => infer Item ? Item : never };

/** An object whose parts are made when they are first looked at, once. */
function lazily<Makers extends Record<string, () => unknown>>(makers: Makers): Made<Makers> {
  const whole = {};
  for (const [name, make] of Object.entries(makers)) {
    const get = () => {
      const item = make();
      Object.defineProperty(whole, name, { value: item, enumerable: true });
      return item;
    };
    Object.defineProperty(whole, name, { get, enumerable: true, configurable: true });
  }
  return whole as Made<Makers>;
}

/** Opens the state under BROKE_HOME. */
export function openState(env: Record<string, string | undefined> = process.env): {
  home: Home;
  /** What in it was not private when it was opened. */
  repaired: readonly string[];
  db: Db;
  generations: ReturnType<typeof openGenerations>;
  runs: RunStore;
  roles: RoleStore;
  verdicts: VerdictStore;
  heads: HeadStore;
  settings: SettingStore;
  trust: TrustStore;
  snapshots: SnapshotStore;
  tokens: TokenStore;
  keys: KeyRing;
  health: HealthStore;
  rotation: RotationStore;
  limits: LimitStore;
  requests: RequestLog;
  env: Record<string, string | undefined>;
} {
  const repaired: string[] = [];
  const home = openHome(env, (path) => {
    repaired.push(path);
    note(`${path} could be read by others; it is private again`);
  });
  const db = openDatabase(home);
  // Each is loaded and opened by who first asks for it: most commands ask for two or three, and a module costs every command half a millisecond.
  return lazily({
    home: () => home,
    repaired: () => repaired,
    db: () => db,
    generations: () => openGenerations(db, systemClock),
    runs: () => (require("#src/state/runs.ts") as typeof import("#src/state/runs.ts")).openRuns(db),
    roles: () => (require("#src/state/roles.ts") as typeof import("#src/state/roles.ts")).openRoles(db, systemClock),
    verdicts: () =>
      (require("#src/state/verdicts.ts") as typeof import("#src/state/verdicts.ts")).openVerdicts(db, systemClock),
    heads: () => (require("#src/state/heads.ts") as typeof import("#src/state/heads.ts")).openHeads(db),
    settings: () => openSettings(db),
    trust: () => (require("#src/state/trust.ts") as typeof import("#src/state/trust.ts")).openTrust(db),
    snapshots: () =>
      (require("#src/state/snapshots.ts") as typeof import("#src/state/snapshots.ts")).openSnapshots(db, systemClock),
    tokens: () =>
      (require("#src/state/tokens.ts") as typeof import("#src/state/tokens.ts")).openTokens(db, systemClock),
    keys: () => openKeyRing(home, env),
    health: () => openHealth(db, systemClock),
    rotation: () => openRotation(db),
    limits: () =>
      (require("#src/state/limits.ts") as typeof import("#src/state/limits.ts")).openLimits(db, systemClock, {
        self: ownerNow(),
        isAlive,
      }),
    requests: () =>
      (require("#src/state/requests.ts") as typeof import("#src/state/requests.ts")).openRequests(db, systemClock),
    env: () => env,
  });
}

export type State = ReturnType<typeof openState>;

/** What the resolver goes by at this moment. */
export function knownNow({ generations, keys, health, rotation }: State): Known {
  return { generation: generations.current(), keyNames: keys.names(), health, rotation, nowMs: systemClock() };
}

/** What the gateway works on, but for where it reports. */
export function gatewayDeps(state: State) {
  const redact = makeRedactor(secretValues(state.keys, state.generations.current()));
  const { generations, keys, health, rotation, tokens, limits, requests } = state;
  return {
    generations,
    keys,
    health,
    rotation,
    tokens,
    limits,
    requests,
    redact,
    clock: systemClock,
    timing: usualTiming,
  };
}
