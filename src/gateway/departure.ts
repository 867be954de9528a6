// The client's going away, and what ends with it: at any time one thing is waited for, a call to a provider or a pause.

/** Thrown where something was waited for in vain. */
export class Departed extends Error {
  constructor() {
    super("the client went away");
  }
}

/** For one request; a class, because there is one for every request. */
export class Departure {
  #gone = false;
  #end: { abort(): void } | undefined;

  /** The client went away. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#end?.abort();
  }

  /** What is aborted when it does, at once if it has; in place of what was named before. */
  ends(what: { abort(): void }): void {
    this.#end = what;
    if (this.#gone) what.abort();
  }

  /** Throws `Departed` when it has. */
  check(): void {
    if (this.#gone) throw new Departed();
  }

  /** Waits, but not longer than the client. Rejects with `Departed`. */
  pause(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.ends({
      abort() {
        clearTimeout(timer);
        reject(new Departed());
      },
    });
    return promise;
  }
}
