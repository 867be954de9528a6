// What goes to a provider in the headers, kept from one call to the next: each client's own words, and each call's own key.

import { expect, test } from "bun:test";
import type { Backend } from "#src/routing/backends.ts";
import { requestHeaders } from "#src/gateway/upstream.ts";

const backend = { label: "b", dialect: "anthropic", keyHeader: "x-api-key" } as Backend;
const told = (key: string | undefined, client: Record<string, string> = {}) => {
  const headers = requestHeaders(backend, key, new Headers(client));
  return [headers.get("x-api-key"), headers.get("anthropic-version"), headers.get("anthropic-beta")];
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
  expect(requestHeaders(backend, "key", client())).toBe(first);
  expect(requestHeaders({ ...backend }, "key", client())).not.toBe(first);
});

test("a key that no header can hold goes nowhere", () => {
  for (const key of ["two\nlines", "key\u0000", "ключ", "x\r\nhost: elsewhere"])
    expect(told(key)).toEqual([null, "2023-06-01", null]);
});
