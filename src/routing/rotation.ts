// In which order a policy would try what may be tried now. Pure: what was chosen before is read from a port, and written by whoever makes the attempts.

import type { Policy, PolicyMode } from "./policy.ts";

/** What was chosen before. A pool is the keys of one variable, or the models of one slot. */
export type Rotation = {
  /** Who had the last turn (`round_robin`), or worked last (`rotate_on_rate_limit`). */
  last(pool: string): string | undefined;
  /** Turns taken by weight. */
  position(pool: string): number;
  /** Larger is later; 0: never. */
  usedAt(pool: string, name: string): number;
  /** Who answered this session. */
  choice(pool: string, session: string): string | undefined;
};

/** For who remembers nothing. */
export const noRotation: Rotation = {
  last: () => undefined,
  position: () => 0,
  usedAt: () => 0,
  choice: () => undefined,
};

/** A pool under a policy: its members in the policy's order, and for `weighted` whose turn it is in turn. */
export type Pool = { name: string; policy: Policy; members: readonly string[]; sequence: readonly string[] };

/** What an attempt means for a pool that remembers: the member whose turn it is. */
export type Turn = { pool: Pool; member: string };

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Smooth weighted round robin, one whole period: nobody waits longer than his weight makes him. */
function turnsByWeight(members: readonly string[], weights: Policy["weights"]): string[] {
  const weightOf = (member: string) => (Object.hasOwn(weights, member) ? weights[member]! : 1);
  const given = members.map(weightOf);
  const divisor = given.reduce(gcd, 0) || 1;
  const shares = given.map((weight) => weight / divisor);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const credit = shares.map(() => 0);
  return Array.from({ length: total }, () => {
    let best = 0;
    for (const [at, share] of shares.entries()) {
      credit[at]! += share;
      if (credit[at]! > credit[best]!) best = at;
    }
    credit[best]! -= total;
    return members[best]!;
  });
}

/** The pool of these members, in this order, under the policy. */
export function makePool(name: string, policy: Policy, members: readonly string[]): Pool {
  const sequence = policy.mode === "weighted" ? turnsByWeight(members, policy.weights) : [];
  return { name, policy, members, sequence };
}

/** The only member a pinned pool may use. */
export const pinOf = ({ policy, members }: Pool): string | undefined => policy.order[0] ?? members[0];

const inFront = (members: readonly string[], first: string | undefined): readonly string[] =>
  first === undefined || members[0] === first || !members.includes(first)
    ? members
    : [first, ...members.filter((member) => member !== first)];

/** From a member of the pool on, around it; `offset` 1: from the one after. */
function around(pool: Pool, open: readonly string[], from: string | undefined, offset: 0 | 1): readonly string[] {
  const at = from === undefined ? -1 : pool.members.indexOf(from);
  if (at < 0 || open.length < 2) return open;
  const start = open.findIndex((member) => pool.members.indexOf(member) >= at + offset);
  return start < 1 ? open : [...open.slice(start), ...open.slice(0, start)];
}

type Arrange = (pool: Pool, open: readonly string[], rotation: Rotation, session: string | null) => readonly string[];

const arrangements: Record<PolicyMode, Arrange> = {
  priority_order: (_, open) => open,
  rotate_on_rate_limit: (pool, open, rotation) => around(pool, open, rotation.last(pool.name), 0),
  round_robin: (pool, open, rotation) => around(pool, open, rotation.last(pool.name), 1),
  least_recently_used: (pool, open, rotation) =>
    open
      .map((member) => ({ member, at: rotation.usedAt(pool.name, member) }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member),
  sticky: (pool, open, rotation, session) =>
    session === null ? open : inFront(open, rotation.choice(pool.name, session)),
  manual_pin: (pool, open) => open.filter((member) => member === pinOf(pool)),
  weighted(pool, open, rotation) {
    const { sequence } = pool;
    const position = rotation.position(pool.name);
    for (let step = 0; step < sequence.length; step++) {
      const member = sequence[(position + step) % sequence.length]!;
      if (open.includes(member)) return inFront(open, member);
    }
    return open;
  },
};

/** The members that may be tried now (in the pool's order), in the order of this request. */
export function arrange(
  pool: Pool,
  open: readonly string[],
  rotation: Rotation,
  session: string | null,
): readonly string[] {
  return arrangements[pool.policy.mode](pool, open, rotation, session);
}

/** Whether anything is remembered of this pool, when a turn begins and when it worked. */
export const remembered: Record<PolicyMode, { begun: boolean; worked: boolean }> = {
  priority_order: { begun: false, worked: false },
  rotate_on_rate_limit: { begun: false, worked: true },
  round_robin: { begun: true, worked: false },
  least_recently_used: { begun: true, worked: false },
  sticky: { begun: false, worked: true },
  manual_pin: { begun: false, worked: false },
  weighted: { begun: true, worked: false },
};
