// How long a provider may say nothing. One timer per answer looks at the time of the last sign of life: a timer per piece would cost more than
// the piece.

export type SilenceWatch = {
  /** Something came. */
  heard(): void;
  stop(): void;
};

const LONGEST_LOOK_MS = 5_000;

/** Calls `onSilent` once when nothing was heard for `limitMs`, at most a tenth of that late. */
export function watchSilence(limitMs: number, onSilent: () => void): SilenceWatch {
  let last = performance.now();
  const timer = setInterval(
    () => {
      if (performance.now() - last < limitMs) return;
      clearInterval(timer);
      onSilent();
    },
    Math.min(limitMs / 10, LONGEST_LOOK_MS),
  );
  return { heard: () => void (last = performance.now()), stop: () => clearInterval(timer) };
}
