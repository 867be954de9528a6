// Ids for a Gemini client's calls and results. Google's ids are optional: a result without one answers the first call of that name that is still
// open. Ids made here are made of places, so the same history always has the same ones.

export type CallIds = {
  /** A model's turn begins: what earlier turns left open stays open. */
  turn(): void;
  call(id: string | null | undefined, name: string, place: string): string;
  result(id: string | null | undefined, name: string, place: string): string;
};

type Open = { id: string; name: string; made: boolean };

/** For one history, read in order. */
export function makeCallIds(): CallIds {
  const known = new Set<string>();
  let open: Open[] = [];

  const answer = (found: Open | undefined): string | undefined => {
    open = open.filter((each) => each !== found);
    return found?.id;
  };
  return {
    turn: () => void (open = []),
    call(id, name, place) {
      const own = id || `call_${place}`;
      known.add(own);
      open.push({ id: own, name, made: !id });
      return own;
    },
    result(id, name, place) {
      if (id && known.has(id)) return answer(open.find((each) => each.id === id)) ?? id;
      const same = open.find((each) => each.name === name && (each.made || !id));
      return answer(same) ?? (id || `call_${place}`);
    },
  };
}
