// What goes to a provider in the headers, kept from one call to the next: each client's own words, and each call's own key.

import { expect, test } from "bun:test";
import type { Backend } from "#src/routing/backends.ts";
import { requestHeaders, retryAfterMs } from "#src/gateway/upstream.ts";
import { startGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

const backend = { label: "b", dialect: "anthropic", keyHeader: "x-api-key" } as Backend;
const told = (key: string | undefined, client: Record<string, string> = {}) => {
  const headers = requestHeaders(backend, key, new Headers(client));
  return headers && [headers.get("x-api-key"), headers.get("anthropic-version"), headers.get("anthropic-beta")];
};

test("whoever asked before, a call has its own key and what its own client says", () => {
  const beta = { "anthropic-beta": "one,two" };
  const version = { "anthropic-version": "2099-01-01" };
  for (let round = 0; round < 2; round++) {
    expect(told("first")).toEqual(["first", "2023-06-01", null]);
    expect(told("first", beta)).toEqual(["first", "2023-06-01", "one,two"]);
    expect(told("second", beta)).toEqual(["second", "2023-06-01", "one,two"]);
    expect(told("second", { ...beta, ...version })).toEqual(["second", "2099-01-01", "one,two"]);
    expect(told("second", version)).toEqual(["second", "2099-01-01", null]);
    expect(told(undefined)).toEqual([null, "2023-06-01", null]);
  }
});

test("what is the same as last time is not made again", () => {
  const client = () => new Headers({ "anthropic-beta": "one" });
  const first = requestHeaders(backend, "key", client());
  expect(requestHeaders(backend, "key", client())).toBe(first!);
  expect(requestHeaders({ ...backend }, "key", client())).not.toBe(first!);
});

test("with a key that no header can hold nothing is made to be sent", () => {
  for (const key of ["two\nlines", "key\u0000", "ключ", "x\r\nhost: elsewhere", ""]) expect(told(key)).toBeUndefined();
  expect(told("an ä of Latin-1")).toEqual(["an ä of Latin-1", "2023-06-01", null]);
});

test("such a key is a wrong one: nothing is asked with it, and the next key serves", async () => {
  await using upstream = await startUpstream(() => say("hi"));
  await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, keyEnv: "MY_KEY" }], {
    ...{ MY_KEY: "ключ", MY_KEY_2: "good" },
  });
  const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
  for (let round = 0; round < 2; round++) expect((await gateway.post("/v1/messages", body)).status).toBe(200);
  expect(upstream.seen.map(({ headers }) => headers["x-api-key"])).toEqual(["good", "good"]);
  expect(gateway.health.all().map(({ reason }) => reason)).toEqual(["auth_failure"]);
});

const NOW = Date.UTC(2026, 10, 28, 12);
const YEAR_MS = 366 * 86_400_000;
test.each<[header: string, said: string, ms: number | undefined]>([
  ["retry-after", "0", 0],
  ["retry-after", "7", 7_000],
  ["retry-after", "1.5", 1_500],
  ["retry-after", "99999999999", YEAR_MS],
  ["retry-after", "9".repeat(400), YEAR_MS],
  // A header that came twice.
  ["retry-after", "5, 7", 7_000],
  ["retry-after", "Sat, 28 Nov 2026 12:00:09 GMT", 9_000],
  ["retry-after", "Saturday, 28-Nov-26 12:00:09 GMT", 9_000],
  ["retry-after", "Sat Nov 28 12:00:09 2026 GMT", 9_000],
  ["retry-after", "Sat, 28 Nov 2026 11:00:00 GMT", 0],
  ["retry-after", "-5", undefined],
  ["retry-after", "soon", undefined],
  ["retry-after", "5, soon", undefined],
  ["retry-after-ms", "250", 250],
  ["retry-after-ms", "99999999999999", YEAR_MS],
])("%s: %s is a wait of %d ms", (header, said, ms) => {
  expect(retryAfterMs(new Headers({ [header]: said }), NOW)).toBe(ms as number);
});
