// How long a provider may say nothing. One timer looks after all answers, at the time of each one's last sign of life: a timer per answer, or even
// per piece, would cost more than the piece.

import { errorTypeOf, type WireError } from "#src/wire/errors.ts";

/** What is said of a provider that was ended for its silence. */
export function saidNothing(limitMs: number): WireError {
  return {
    status: 504,
    type: errorTypeOf(504),
    message: `the provider said nothing for ${Math.round(limitMs / 1000)} s`,
  };
}

/** What is ended when it stays silent. */
type Ended = { abort(): void };

const LONGEST_LOOK_MS = 5_000;
/** A client that reads nothing for so long is gone, or as good as that. */
const STALLED_MS = 900_000;

/**
 * The answers that are looked after at one pace, and the timer that does; it goes on for as long as there is one of them, and keeps no
 * process alive by itself. In places that are used again: a Set that many come to and leave keeps a trace of each until it grows, and the
 * collector with it (measured: 15 µs a request).
 */
class Patrol {
  readonly #everyMs: number;
  readonly #places: (SilenceWatch | undefined)[] = [];
  readonly #free: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Returns its place. */
  add(watched: SilenceWatch): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = watched;
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref();
    return place;
  }

  remove(watched: SilenceWatch, place: number): void {
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
      if (watched.stalled !== undefined) return watched.stalled();
      watched.silent = true;
      watched.ends.abort();
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

function patrolOf(limitMs: number): Patrol {
  const everyMs = Math.min(limitMs / 10, LONGEST_LOOK_MS);
  let patrol = patrols.get(everyMs);
  if (patrol === undefined) patrols.set(everyMs, (patrol = new Patrol(everyMs)));
  return patrol;
}

/** One answer that is looked after: `ends` is aborted once when nothing was heard for `limitMs`, at most a tenth of that late. */
export class SilenceWatch {
  readonly limitMs: number;
  readonly ends: Ended;
  last = performance.now();
  /** It was ended for its silence. */
  silent = false;
  /** What is done when its client is the one that lets it wait. */
  stalled: (() => void) | undefined;
  readonly #stalledMs: number;
  readonly #patrol: Patrol;
  readonly #place: number;

  constructor(limitMs: number, ends: Ended, stalledMs = STALLED_MS) {
    this.limitMs = limitMs;
    this.ends = ends;
    this.#stalledMs = stalledMs;
    this.#patrol = patrolOf(limitMs);
    this.#place = this.#patrol.add(this);
  }

  /** Something came. */
  heard(): void {
    this.stalled = undefined;
    this.last = performance.now();
  }

  /** The provider is not waited for until something is heard: it is the client that does not read. `stalled`, once, when he has not for too long. */
  rest(stalled: () => void): void {
    this.stalled = stalled;
    this.last = performance.now() + this.#stalledMs - this.limitMs;
  }

  stop(): void {
    this.#patrol.remove(this, this.#place);
  }
}
