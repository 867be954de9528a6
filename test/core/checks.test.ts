// Checks are all made, whatever one of them finds; a bug in one is no finding.

import { expect, test } from "bun:test";
import { ok, runChecks, warning } from "#src/core/checks.ts";
import { BrokeError } from "#src/core/errors.ts";

test("each becomes a line; what is thrown is a failure with its remedy", async () => {
  const checked = await runChecks([
    { id: "a", run: () => ok("fine") },
    {
      id: "b",
      run() {
        throw new BrokeError("missing", "not there", "install it");
      },
    },
    { id: "c", run: async () => warning("so so", "look again") },
    {
      id: "d",
      run() {
        throw new BrokeError("denied", "no");
      },
    },
    { id: "e", run: () => ({ status: "repaired", detail: "was wrong" }) },
  ]);
  expect(checked).toEqual([
    { id: "a", status: "ok", detail: "fine" },
    { id: "b", status: "failed", detail: "not there", hint: "install it" },
    { id: "c", status: "warning", detail: "so so", hint: "look again" },
    { id: "d", status: "failed", detail: "no" },
    { id: "e", status: "repaired", detail: "was wrong" },
  ]);
});

test("anything else that is thrown is a bug and goes on", () => {
  const bug = () => {
    throw new TypeError("x is not a function");
  };
  expect(runChecks([{ id: "a", run: bug }])).rejects.toThrow("x is not a function");
});
