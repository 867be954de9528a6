// How long a provider may say nothing. One timer looks after all answers, at the time of each one's last sign of life: a timer per answer, or even
// per piece, would cost more than the piece.

export type SilenceWatch = {
  /** Something came. */
  heard(): void;
  stop(): void;
};

type Watched = { limitMs: number; last: number; onSilent: () => void };

const LONGEST_LOOK_MS = 5_000;

/**
 * The answers that are looked after at one pace, and the timer that does; it goes on for as long as there is one of them, and keeps no
 * process alive by itself. In places that are used again: a Set that many come to and leave keeps a trace of each until it grows, and the
 * collector with it (measured: 15 µs a request).
 */
class Patrol {
  readonly #everyMs: number;
  readonly #places: (Watched | undefined)[] = [];
  readonly #free: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Returns its place. */
  add(watched: Watched): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = watched;
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref();
    return place;
  }

  remove(watched: Watched, place: number): void {
    // The place may be somebody else's by now.
    if (this.#places[place] !== watched) return;
    this.#places[place] = undefined;
    this.#free.push(place);
  }

  #look(): void {
    const now = performance.now();
    this.#places.forEach((watched, place) => {
      if (watched === undefined || now - watched.last < watched.limitMs) return;
      this.remove(watched, place);
      watched.onSilent();
    });
    if (this.#free.length < this.#places.length) return;
    this.#places.length = 0;
    this.#free.length = 0;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** A limit is a setting, so there are few paces. */
const patrols = new Map<number, Patrol>();

/** Calls `onSilent` once when nothing was heard for `limitMs`, at most a tenth of that late. */
export function watchSilence(limitMs: number, onSilent: () => void): SilenceWatch {
  const everyMs = Math.min(limitMs / 10, LONGEST_LOOK_MS);
  let patrol = patrols.get(everyMs);
  if (patrol === undefined) patrols.set(everyMs, (patrol = new Patrol(everyMs)));
  const watched: Watched = { limitMs, last: performance.now(), onSilent };
  const place = patrol.add(watched);
  return { heard: () => void (watched.last = performance.now()), stop: () => patrol.remove(watched, place) };
}
