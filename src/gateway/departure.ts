// The client's going away, and what ends with it: at any time one thing is waited for, a call to a provider or a pause.

/** Thrown where something was waited for in vain. */
export class Departed extends Error {
  constructor() {
    super("the client went away");
  }
}

export type Departure = {
  readonly gone: boolean;
  /** The client went away. */
  leave(): void;
  /** What is aborted when it does, at once if it has; in place of what was named before. */
  ends(what: { abort(): void }): void;
  /** Throws `Departed` when it has. */
  check(): void;
  /** Waits, but not longer than the client. Rejects with `Departed`. */
  pause(ms: number): Promise<void>;
};

/** For one request. */
export function watchDeparture(): Departure {
  let gone = false;
  let end: { abort(): void } | undefined;
  const departure: Departure = {
    get gone() {
      return gone;
    },
    leave() {
      if (gone) return;
      gone = true;
      end?.abort();
    },
    ends(what) {
      end = what;
      if (gone) what.abort();
    },
    check() {
      if (gone) throw new Departed();
    },
    pause(ms) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      departure.ends({
        abort() {
          clearTimeout(timer);
          reject(new Departed());
        },
      });
      return promise;
    },
  };
  return departure;
}
