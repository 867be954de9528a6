// How long things took, as Prometheus counts it: buckets, a sum and a number per label set. prom-client looks its labels up anew for every observation,
// which took as long as choosing who answers; here a caller keeps what it observes into, and the registry asks for the values when it is scraped.

import type { Histogram, Registry } from "prom-client";

export type Times = { observe(seconds: number): void };

/** A histogram in the registry. Returns what makes one of its label sets. */
export function timesMetric(
  registry: Registry,
  name: string,
  help: string,
  bounds: readonly number[],
): (labels: Record<string, string>) => Times {
  type Value = { metricName: string; labels: Record<string, string>; value: number };
  const sets: (() => Value[])[] = [];
  const metric = {
    ...{ name, help, type: "histogram", aggregator: "sum" },
    get: () => Promise.resolve({ name, help, type: "histogram", values: sets.flatMap((values) => values()) }),
  };
  // What the registry asks of a metric, of which its type names only its own classes.
  registry.registerMetric(metric as unknown as Histogram);
  return (labels) => {
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
}
