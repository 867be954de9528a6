// Ids for a Gemini client's calls and results. Google's ids are optional: a result without one answers the first call of that name that is still
// open. Ids made here are made of places, so the same history always has the same ones.

export type CallIds = {
  /** A model's turn begins: what earlier turns left open stays open. */
  turn(): void;
  call(id: string | null | undefined, name: string, place: string): string;
  result(id: string | null | undefined, name: string, place: string): string;
};

type Open = { id: string; closed: boolean };

/** Calls in order, and how far they are closed: gone through once, however many there are. */
type Queue = { calls: Open[]; at: number };

function firstOpen(queue: Queue | undefined): Open | undefined {
  if (queue === undefined) return undefined;
  while (queue.calls[queue.at]?.closed === true) queue.at += 1;
  return queue.calls[queue.at];
}

function note(queues: Map<string, Queue>, key: string, call: Open): void {
  const queue = queues.get(key);
  if (queue === undefined) queues.set(key, { calls: [call], at: 0 });
  else queue.calls.push(call);
}

/** For one history, read in order. */
export function makeCallIds(): CallIds {
  const known = new Set<string>();
  const byId = new Map<string, Queue>();
  const byName = new Map<string, Queue>();
  /** Those whose ids were made here alone: what a result with an id of its own may answer. */
  const madeByName = new Map<string, Queue>();

  const close = (found: Open | undefined): string | undefined => {
    if (found !== undefined) found.closed = true;
    return found?.id;
  };
  return {
    turn() {
      for (const queues of [byId, byName, madeByName]) queues.clear();
    },
    call(id, name, place) {
      const call = { id: id || `call_${place}`, closed: false };
      known.add(call.id);
      note(byId, call.id, call);
      note(byName, name, call);
      if (!id) note(madeByName, name, call);
      return call.id;
    },
    result(id, name, place) {
      if (id && known.has(id)) return close(firstOpen(byId.get(id))) ?? id;
      return close(firstOpen((id ? madeByName : byName).get(name))) ?? (id || `call_${place}`);
    },
  };
}
