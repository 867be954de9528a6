// "Did you mean": the known word closest to an unknown one.

// Letters that are missing, too many, wrong, or swapped with their neighbour: each counts one (optimal string alignment).
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1, swapped ? before[j - 2]! + 1 : Infinity));
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}

/** The closest known word, if it is close enough to be a typing slip (a third of its length, at least one). None for an empty word. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word === "") return undefined;
  let best: { word: string; cost: number } | undefined;
  for (const candidate of known) {
    const cost = distance(word.toLowerCase(), candidate.toLowerCase());
    if (cost <= Math.max(1, Math.floor(candidate.length / 3)) && (best === undefined || cost < best.cost)) {
      best = { word: candidate, cost };
    }
  }
  return best?.word;
}

/** The same as a hint; undefined where no word is close enough. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const guess = nearest(word, known);
  return guess === undefined ? undefined : `did you mean ${guess}?`;
}
