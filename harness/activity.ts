// What shows that a run is at work: output, programs started, connections, requests to models, also while they wait for their answer. Pure but
// for the clock.
// Does not stop: a client that prints for the sake of printing.

export type Activity = {
  /** Something happened. */
  stir(): void;
  /** Something that takes its time began; call what is returned when it is over. */
  begin(): () => void;
  /** For how long nothing has happened, in ms; 0 while something takes its time. */
  quietMs(): number;
};

/** Starts counting now. `now` in ms. */
export function watchActivity(now: () => number = () => performance.now()): Activity {
  let last = now();
  let going = 0;
  const stir = () => void (last = now());
  return {
    stir,
    begin() {
      going += 1;
      let over = false;
      return () => {
        if (over) return;
        over = true;
        going -= 1;
        stir();
      };
    },
    quietMs: () => (going > 0 ? 0 : now() - last),
  };
}
