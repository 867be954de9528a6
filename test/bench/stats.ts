// Figures of a measurement, and two of them side by side.

export type Figures = { p50: number; p90: number; p99: number; min: number; count: number };

/** Quantiles of samples in ms. */
export function figuresOf(samples: readonly number[]): Figures {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), min: sorted[0] ?? 0, count: sorted.length };
}

const ms = (value: number) => value.toFixed(2).padStart(9);

/** One line a row: name, quantiles in ms, and the ratio of the medians to the first row's. */
export function report(title: string, rows: [string, Figures][]): string {
  const base = rows[0]![1];
  const head = `${title}\n${"".padEnd(34)}      min       p50       p90       p99     × p50    + p50`;
  const lines = rows.map(
    ([name, row]) =>
      `${name.padEnd(34)}${ms(row.min)} ${ms(row.p50)} ${ms(row.p90)} ${ms(row.p99)} ${(row.p50 / base.p50).toFixed(2).padStart(9)} ${ms(row.p50 - base.p50)}`,
  );
  return [head, ...lines, `${base.count} samples each, taken in turns; ms`].join("\n");
}
