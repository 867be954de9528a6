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
 * process alive by itself. */
class Patrol {
  readonly #everyMs: number;
  readonly #watched = new Set<Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref();
  }

  remove(watched: Watched): void {
    this.#watched.delete(watched);
  }

  #look(): void {
    const now = performance.now();
    for (const watched of this.#watched) {
      if (now - watched.last < watched.limitMs) continue;
      this.#watched.delete(watched);
      watched.onSilent();
    }
    if (this.#watched.size > 0) return;
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
  patrol.add(watched);
  return { heard: () => void (watched.last = performance.now()), stop: () => patrol.remove(watched) };
}
