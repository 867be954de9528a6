// A second, simple router to measure the real one by: it knows the rules as the README says them, and none of the product's code. One request after
// another; it says which calls would be made for one and what is remembered of it.

export type RefPolicy = {
  mode: string;
  order: string[];
  weights: Record<string, number>;
  cooldownMs: number | null;
  retries: number | null;
};
export type Call = { label: string; key: string | null };
/** What the world answers to a call. */
export type End = "ok" | "limit" | "refused" | "broke" | "down" | "too long" | "wrong";

const BASES: Record<string, string | null> = { a1: "A_KEY", a2: "A_KEY", b1: "B_KEY", n1: null };

export class ReferenceRouter {
  slots: Record<string, string> = {};
  direct: Record<string, string[]> = {};
  lane: Record<string, string[]> = {};
  backend: Record<string, string[]> = {};
  slot: Record<string, string[]> = {};
  keyPolicies: Record<string, RefPolicy> = {};
  modelPolicies: Record<string, RefPolicy> = {};
  allowed: string[] | null = null;
  keys: string[] = [];
  now = 0;
  /** By what it is about: until when (Infinity: until lifted), how often in a row. */
  held = new Map<string, { until: number; strikes: number }>();
  last = new Map<string, string>();
  turns = new Map<string, number>();
  used = new Map<string, number>();
  chosen = new Map<string, string>();
  #tick = 0;

  #about({ label, key }: Call): { limit: string; access: string; breaker: string } {
    return key === null
      ? { limit: `${label} limit`, access: `${label} access`, breaker: label }
      : { limit: `${key} at ${label}`, access: key, breaker: label };
  }

  #free(call: Call): boolean {
    return Object.values(this.#about(call)).every((what) => (this.held.get(what)?.until ?? 0) <= this.now);
  }

  /** By credit: everybody gets his weight, the richest goes and pays for all. */
  #byWeight(members: string[], weights: Record<string, number>, turn: number): string | undefined {
    const shares = members.map((member) => weights[member] ?? 1);
    const total = shares.reduce((sum, share) => sum + share, 0);
    if (total === 0) return undefined;
    const credit = members.map(() => 0);
    let best = 0;
    for (let at = 0; at <= turn % total; at++) {
      members.forEach((_, index) => void (credit[index]! += shares[index]!));
      best = credit.indexOf(Math.max(...credit));
      credit[best]! -= total;
    }
    return members[best];
  }

  #order(pool: string, policy: RefPolicy, members: string[], free: string[], session: string | null): string[] {
    const first = (member: string | undefined) =>
      member !== undefined && free.includes(member) ? [member, ...free.filter((other) => other !== member)] : free;
    const from = (start: number) =>
      [...members.slice(start), ...members.slice(0, start)].filter((member) => free.includes(member));
    const before = members.indexOf(this.last.get(pool) ?? "");
    switch (policy.mode) {
      case "round_robin":
        return before < 0 ? free : from(before + 1);
      case "rotate_on_rate_limit":
        return before < 0 ? free : from(before);
      case "least_recently_used":
        return free
          .map((member, at) => ({ member, at, used: this.used.get(`${pool} ${member}`) ?? 0 }))
          .sort((a, b) => a.used - b.used || a.at - b.at)
          .map(({ member }) => member);
      case "sticky":
        return session === null ? free : first(this.chosen.get(`${pool} ${session}`));
      case "manual_pin": {
        const pin = policy.order[0] ?? members[0];
        return free.filter((member) => member === pin);
      }
      case "weighted": {
        const turn = this.turns.get(pool) ?? 0;
        for (let step = 0; step < 2000; step++) {
          const member = this.#byWeight(members, policy.weights, turn + step);
          if (member === undefined) return free;
          if (free.includes(member)) return first(member);
        }
        return free;
      }
      default:
        return free;
    }
  }

  #keysOf(label: string): { pool: string; policy: RefPolicy | undefined; members: string[] } {
    const base = BASES[label]!;
    const policy = base === null ? undefined : this.keyPolicies[base];
    const pool = this.keys.filter((key) => key === base || key.startsWith(`${base}_`)).sort();
    const named = (policy?.order ?? []).filter((key) => pool.includes(key));
    return { pool: `keys ${base}`, policy, members: [...named, ...pool.filter((key) => !named.includes(key))] };
  }

  #callsOf(label: string, session: string | null): Call[] {
    if (BASES[label] === null) return [{ label, key: null }].filter((call) => this.#free(call));
    const { pool, policy, members } = this.#keysOf(label);
    const free = members.filter((key) => this.#free({ label, key }));
    if (policy === undefined) return free.map((key) => ({ label, key }));
    const order = this.#order(pool, policy, members, free, session);
    return order.slice(0, policy.retries ?? undefined).map((key) => ({ label, key }));
  }

  #chain(slot: string): string[] {
    const own = this.slots[slot]!;
    const found =
      this.direct[slot] ??
      this.lane[`${slot}|${own}`] ??
      this.backend[own] ??
      this.slot[slot]
        ?.filter((other) => this.allowed === null || this.allowed.includes(other))
        .map((other) => this.slots[other]!) ??
      [];
    return [...new Set(found)].filter((label) => label !== own);
  }

  #models(slot: string): { policy: RefPolicy | undefined; members: string[] } {
    const policy = this.modelPolicies[slot];
    const own = this.slots[slot]!;
    return {
      policy,
      members: policy === undefined || policy.order.includes(own) ? (policy?.order ?? [own]) : [own, ...policy.order],
    };
  }

  /** Every call that may be made for the slot now, in order. */
  list(slot: string, session: string | null): Call[] {
    if (this.allowed !== null && !this.allowed.includes(slot)) return [];
    const { policy, members } = this.#models(slot);
    const callable = (labels: string[]) =>
      labels.map((label) => this.#callsOf(label, session)).filter((calls) => calls.length > 0);
    let groups = callable(members);
    if (policy !== undefined) {
      const free = groups.map((calls) => calls[0]!.label);
      groups = this.#order(`models ${slot}`, policy, members, free, session).map(
        (label) => groups[free.indexOf(label)]!,
      );
    }
    if (policy?.mode !== "manual_pin")
      groups = [...groups, ...callable(this.#chain(slot).filter((label) => !members.includes(label)))];
    return groups.slice(0, policy?.retries ?? undefined).flat();
  }

  #begin(pool: string, policy: RefPolicy, members: string[], member: string): void {
    if (policy.mode === "round_robin") this.last.set(pool, member);
    if (policy.mode === "least_recently_used") this.used.set(`${pool} ${member}`, ++this.#tick);
    if (policy.mode === "weighted") {
      const turn = this.turns.get(pool) ?? 0;
      for (let step = 0; step < 2000; step++) {
        if (this.#byWeight(members, policy.weights, turn + step) !== member) continue;
        this.turns.set(pool, turn + step + 1);
        break;
      }
    }
  }

  #worked(pool: string, policy: RefPolicy, member: string, session: string | null): void {
    if (policy.mode === "rotate_on_rate_limit") this.last.set(pool, member);
    if (policy.mode === "sticky" && session !== null) this.chosen.set(`${pool} ${session}`, member);
  }

  #fail(what: string, waitOf: (strikes: number) => number): void {
    const before = this.held.get(what) ?? { until: 0, strikes: 0 };
    const strikes = before.strikes + 1;
    this.held.set(what, { until: Math.max(before.until, this.now + waitOf(strikes)), strikes });
  }

  /** Serves one request and returns the calls it made. */
  serve(slot: string, session: string | null, world: (call: Call) => End): Call[] {
    const calls: Call[] = [];
    const models = this.#models(slot);
    const given = new Set<string>();
    let model: string | undefined;
    for (const call of this.list(slot, session)) {
      if (given.has(call.label)) continue;
      const chosen = models.members.includes(call.label) ? models.policy : undefined;
      const keys = call.key === null ? undefined : this.#keysOf(call.label);
      if (chosen !== undefined && model !== call.label)
        this.#begin(`models ${slot}`, chosen, models.members, call.label);
      if (keys?.policy !== undefined) this.#begin(keys.pool, keys.policy, keys.members, call.key!);
      model = call.label;
      calls.push(call);
      const { limit, access, breaker } = this.#about(call);
      const own = keys?.policy?.cooldownMs ?? null;
      const end = world(call);
      if (end === "ok") {
        for (const what of [limit, access, breaker])
          if ((this.held.get(what)?.until ?? Infinity) <= this.now) this.held.delete(what);
        if (chosen !== undefined) this.#worked(`models ${slot}`, chosen, call.label, session);
        if (keys?.policy !== undefined) this.#worked(keys.pool, keys.policy, call.key!, session);
        return calls;
      }
      if (end === "wrong") return calls;
      if (end === "limit") this.#fail(limit, (strikes) => own ?? Math.min(15_000 * 2 ** (strikes - 1), 300_000));
      else if (end === "refused") this.#fail(access, () => own ?? 300_000);
      else if (end === "broke") this.#fail(access, () => Infinity);
      else {
        if (end === "down")
          this.#fail(breaker, (strikes) => (strikes < 3 ? 0 : (this.modelPolicies[slot]?.cooldownMs ?? 30_000)));
        given.add(call.label);
      }
    }
    return calls;
  }
}
