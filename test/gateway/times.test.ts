// A histogram as it is scraped, beside prom-client's own fed with the same values.

import { expect, test } from "bun:test";
import { Histogram, Registry } from "prom-client";
import { timesMetric } from "#src/gateway/times.ts";

const BOUNDS = [0.1, 1, 10];
const VALUES = [0, 0.05, 0.1, 0.100001, 1, 3, 10, 10.5, 1e6];

test("says what prom-client's own would", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const { metric, labelled } = timesMetric("seconds", "How long", BOUNDS);
  ours.registerMetric(metric as unknown as Histogram);
  const oracle = new Histogram({
    ...{ name: "seconds", help: "How long", labelNames: ["slot"], buckets: BOUNDS, registers: [theirs] },
  });
  for (const slot of ["a", 'quoted "b"\n']) {
    const times = labelled({ slot });
    for (const value of VALUES) {
      times.observe(value);
      oracle.observe({ slot }, value);
    }
  }
  expect((await ours.metrics()).split("\n").sort()).toEqual((await theirs.metrics()).split("\n").sort());
});
