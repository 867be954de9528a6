// What of a Messages request and answer is read while it passes. Its streams are in ../pass.test.ts.

import { expect, test } from "bun:test";
import { messagesPass } from "#src/wire/messages/pass.ts";
import { bytesOf, SCOPE } from "../cases.ts";

const target = { model: "upstream-model", stream: true, scope: SCOPE };

test("the client's query belongs to the path", () => {
  expect(messagesPass.path(target, "?beta=true")).toBe("/messages?beta=true");
  expect(messagesPass.path(target, "")).toBe("/messages");
});

test("what cannot be spliced is refused", () => {
  for (const body of ["", "[]", '{"model":"a","model":"b"}', '{"messages":[}']) {
    expect(() => messagesPass.prepare(bytesOf(body), target)).toThrow(
      expect.objectContaining({ kind: "usage" }) as unknown as Error,
    );
  }
});

test("an error with status 200 is told apart", () => {
  const error = { type: "error", error: { type: "overloaded_error", message: "busy" } };
  expect(messagesPass.errorInAnswer?.(error)).toEqual({ status: 529, type: "overloaded", message: "busy" });
  expect(messagesPass.errorInAnswer?.({ type: "message" })).toBeUndefined();
  expect(messagesPass.errorInAnswer?.(undefined)).toBeUndefined();
});

test("content is told by its first bytes and not read", () => {
  const watch = messagesPass.prepare(bytesOf("{}"), target).watchStream();
  expect(watch.frame(bytesOf("event: content_block_delta\ndata: not read\n\n"))).toEqual({ kind: "content" });
  expect(watch.frame(bytesOf('data: {"type":"content_block_delta"}\n\n'))).toEqual({ kind: "content" });
  expect(watch.frame(bytesOf(": a comment\n\n"))).toEqual({ kind: "other" });
});
