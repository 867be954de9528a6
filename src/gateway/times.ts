// How long things took, as Prometheus counts it: buckets, a sum and a number per label set. prom-client looks its labels up anew for every observation,
// which took as long as choosing who answers; here a caller keeps what it observes into, and the registry asks for the values when it is scraped.

export type Times = { observe(seconds: number): void };

type Value = { metricName: string; labels: Record<string, string>; value: number };
type Scraped = { name: string; help: string; type: "histogram"; values: Value[] };

/** What a registry asks of a histogram. */
export type TimesMetric = { name: string; help: string; type: "histogram"; get(): Promise<Scraped> };

/** A histogram, and what makes one of its label sets. `bounds` in seconds, ascending. */
export function timesMetric(
  name: string,
  help: string,
  bounds: readonly number[],
): { metric: TimesMetric; labelled(labels: Record<string, string>): Times } {
  const sets: (() => Value[])[] = [];
  const type = "histogram" as const;
  const metric: TimesMetric = {
    ...{ name, help, type },
    get: () => Promise.resolve({ name, help, type, values: sets.flatMap((values) => values()) }),
  };
  const labelled = (labels: Record<string, string>): Times => {
    const counts = new Float64Array(bounds.length);
    let sum = 0;
    let count = 0;
    sets.push(() => {
      let below = 0;
      return [
        ...bounds.map((le, at) => ({
          ...{ metricName: `${name}_bucket`, labels: { le: String(le), ...labels } },
          value: (below += counts[at]!),
        })),
        { metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: count },
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    return {
      observe(seconds) {
        sum += seconds;
        count += 1;
        for (let at = 0; at < bounds.length; at++) {
          if (seconds > bounds[at]!) continue;
          counts[at]! += 1;
          return;
        }
      },
    };
  };
  return { metric, labelled };
}
