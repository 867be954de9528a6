// Which methods a path takes, where everything is served and where models alone are.

import { expect, test } from "bun:test";
import { allowedAt, allowedHere } from "#src/gateway/doors.ts";

test("what is told to this machine's own callers alone is no path anywhere else", () => {
  const allow = "GET, HEAD, OPTIONS";
  for (const path of ["/metrics", "/metrics/", "/health/liveliness", "/health/readiness", "/swagger/json"])
    expect([path, allowedHere(path), allowedAt(path)]).toEqual([path, allow, undefined]);
  expect([allowedHere("/v1/models"), allowedAt("/v1/models")]).toEqual([allow, allow]);
  expect(allowedHere("/metrics/x")).toBeUndefined();
});
