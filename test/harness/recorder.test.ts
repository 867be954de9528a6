// Recording for callers that cannot help when it fails: the run ends, whichever came first, the failure or the run.

import { expect, test } from "bun:test";
import type { Ledger } from "#harness/ledger.ts";
import { makeRecorder } from "#harness/recorder.ts";

function full(after: number): { ledger: Pick<Ledger, "append">; seen: string[] } {
  const seen: string[] = [];
  const append = (event: string) => {
    if (seen.length >= after) throw new Error("no space left");
    seen.push(event);
    return undefined as unknown as ReturnType<Ledger["append"]>;
  };
  return { ledger: { append }, seen };
}

test("the first failure ends the run and is remembered; nothing is thrown", () => {
  const { ledger, seen } = full(1);
  const recorder = makeRecorder(ledger);
  let ended = 0;
  recorder.onFailure(() => (ended += 1));
  recorder.append("a", {});
  expect([recorder.failed(), ended]).toEqual([false, 0]);
  recorder.append("b", {});
  expect([recorder.failed(), ended, seen]).toEqual([true, 1, ["a"]]);
});

test("a run that starts after the failure ends at once", () => {
  const recorder = makeRecorder(full(0).ledger);
  recorder.append("a", {});
  let ended = 0;
  recorder.onFailure(() => (ended += 1));
  expect(ended).toBe(1);
});
