// Where this home shares its state with others (`BROKE_STATE`): edits that count everywhere, gateways that hear of them, and views of what is so now.
// Where it does not, nothing of it is loaded.

import { type Check, ok } from "#src/core/checks.ts";
import { systemClock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { sharedTarget, type SharedTarget } from "#src/state/shared/target.ts";
import type { Replica } from "#src/state/shared/replica.ts";
import { gatewayDeps, type State } from "./compose.ts";

/** Where it is shared; undefined: nowhere. Throws `config`. */
export const targetOf = ({ keys }: Pick<State, "keys">): SharedTarget | undefined => sharedTarget(keys.get);

/** What an edit may change. */
export type Editable = Pick<State, "db" | "generations" | "tokens" | "health" | "settings" | "keys">;

/** One edit, here or everywhere. Rejects with what `work` throws, and with `missing` where the shared state cannot be reached; then nothing was changed. */
export async function edited<Value>(state: State, work: (state: Editable) => Value): Promise<Value> {
  const target = targetOf(state);
  if (target === undefined) return work(state);
  const { editShared } = await import("#src/state/shared/edit.ts");
  const { openGenerations } = await import("#src/state/generations.ts");
  const { openHealth } = await import("#src/state/health.ts");
  const { openSettings } = await import("#src/state/settings.ts");
  const { openTokens } = await import("#src/state/tokens.ts");
  return editShared(state.home, target, (db) =>
    work({
      ...{ db, keys: state.keys, generations: openGenerations(db, systemClock), settings: openSettings(db) },
      ...{ tokens: openTokens(db, systemClock), health: openHealth(db, systemClock) },
    }),
  );
}

const joined = new WeakMap<State, Promise<Replica>>();

/** This process's part in the shared state, once it is current; undefined where there is none. */
export async function replicaOf(state: State): Promise<Replica | undefined> {
  const target = targetOf(state);
  if (target === undefined) return undefined;
  const known = joined.get(state);
  if (known !== undefined) return known;
  const joining = import("#src/state/shared/replica.ts").then(async ({ joinShared }) => {
    const replica = joinShared(state.home, target);
    await replica.ready;
    return replica;
  });
  joined.set(state, joining);
  return joining;
}

/** What a gateway works on, kept current with all others. */
export async function liveDeps(state: State) {
  const deps = gatewayDeps(state);
  const replica = await replicaOf(state);
  if (replica === undefined) return deps;
  for (const secret of targetOf(state)!.secrets) deps.redact.add(secret);
  const { limits, health, rotation, isClosed } = replica;
  return { ...deps, limits, health, rotation, isClosed };
}

/** Where the state is kept, and whether that can be reached. */
export async function describeState(
  state: Pick<State, "keys">,
): Promise<{ engine: "sqlite" | "redis"; at: string | null; reachable: boolean }> {
  const target = targetOf(state);
  if (target === undefined) return { engine: "sqlite", at: null, reachable: true };
  const { probeShared } = await import("#src/state/shared/edit.ts");
  const { reachable } = await probeShared(target);
  return { engine: "redis", at: target.name, reachable };
}

/** The same for `doctor`; what holds meanwhile with it. */
export const sharedCheck = (state: Pick<State, "keys">): Check => ({
  id: "state engine",
  async run() {
    const { engine, at, reachable } = await describeState(state);
    if (engine === "sqlite" || at === null) return ok("SQLite, of this home alone");
    const { limits, health } = targetOf(state)!;
    const meanwhile = `lost: limits ${limits}, health ${health}`;
    if (reachable) return ok(`Redis at ${at}, shared; when it is ${meanwhile}`);
    throw new BrokeError(
      "missing",
      `the shared state at ${at} cannot be reached (${meanwhile})`,
      "start it, or change BROKE_STATE",
    );
  },
});
