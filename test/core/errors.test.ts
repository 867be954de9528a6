// One table for exit codes, HTTP statuses and JSON-RPC codes; of a bug, nothing is told.

import { expect, test } from "bun:test";
import { BrokeError, type ErrorKind, exitCodeOf, httpStatusOf, publicMessage, rpcCodeOf } from "#src/core/errors.ts";
import { isRunId, newRequestId, newRunId, newSecret } from "#src/core/ids.ts";
import { nearest } from "#src/core/nearest.ts";

test("every kind has its codes", () => {
  const table: Record<ErrorKind, [number, number]> = {
    usage: [2, 400],
    config: [3, 500],
    missing: [3, 404],
    unauthorized: [4, 401],
    denied: [4, 403],
    busy: [3, 409],
    upstream: [3, 502],
    negative: [1, 409],
    internal: [5, 500],
  };
  for (const [kind, [exit, http]] of Object.entries(table)) {
    const error = new BrokeError(kind as ErrorKind, "what", "how");
    expect([kind, exitCodeOf(error), httpStatusOf(error), rpcCodeOf(error) < 0]).toEqual([kind, exit, http, true]);
  }
});

test("a bug is a 5 and a 500, and says nothing of its cause", () => {
  for (const bug of [new TypeError("secret inside"), "text", undefined, { message: "secret inside" }]) {
    expect([exitCodeOf(bug), httpStatusOf(bug), publicMessage(bug)]).toEqual([5, 500, "internal error"]);
  }
});

test("ids have their shape, and a run id is never a path", () => {
  expect(isRunId(newRunId(1_700_000_000_000))).toBe(true);
  expect(newRunId(1_700_000_000_999)).toMatch(/^run_1700000000_[0-9a-f]{8}$/);
  for (const text of [
    "",
    "run_1_aa",
    "../run_1700000000_00000000",
    "run_1700000000_00000000/..",
    "run_1700000000_0000000G",
    "run_1700000000_00000000\n",
  ]) {
    expect({ text, is: isRunId(text) }).toEqual({ text, is: false });
  }
  expect(new Set(Array.from({ length: 1000 }, () => newSecret("x"))).size).toBe(1000);
  expect(newSecret("x")).toMatch(/^x_[\w-]{43}$/);
  expect(newRequestId()).toMatch(/^req_[\w-]{12}$/);
});

test("the nearest word is a slip away, or there is none", () => {
  const known = ["list", "status", "swap", "stop", "start"];
  const cases: [string, string | undefined][] = [
    ["lst", "list"],
    ["LIST", "list"],
    ["statsu", "status"],
    ["swp", "swap"],
    ["frobnicate", undefined],
    ["", undefined],
  ];
  expect(cases.map(([word]) => [word, nearest(word, known)])).toEqual(cases as [string, string][]);
});
