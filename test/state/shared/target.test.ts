// What BROKE_STATE may say. Nothing of it is said back: it may hold a password.

import { expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import { sharedTarget } from "#src/state/shared/target.ts";

const read = (url: string) => sharedTarget((name) => (name === "BROKE_STATE" ? url : undefined));

test("a password is kept from being written down as it is spelled and as it is meant", () => {
  expect(read("redis://:s%25%2Fz@127.0.0.1/2")).toMatchObject({
    name: "redis://127.0.0.1:6379/2",
    secrets: ["s%25%2Fz", "s%/z"],
  });
});

test.each([
  ["redis://:s%zz@127.0.0.1/0", "the password in BROKE_STATE is not percent-encoded", "a % of its own is %25 there"],
  ["http://127.0.0.1", "BROKE_STATE is not the URL of a Redis", "redis://host:6379/0, rediss:// for TLS, or sqlite"],
  ["redis://h/x", "BROKE_STATE is not the URL of a Redis", "redis://host:6379/0, rediss:// for TLS, or sqlite"],
])("%s is none", (url, message, hint) => {
  expect(() => read(url)).toThrow(new BrokeError("config", message, hint));
});
