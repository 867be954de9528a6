// Which result answers which call.

import { expect, test } from "bun:test";
import type { Message, ToolResultBlock } from "#src/wire/canonical.ts";
import { collectResults } from "#src/wire/results.ts";
import { canonical } from "./cases.ts";

const result = (callId: string): ToolResultBlock => ({ kind: "tool_result", callId, isError: false, content: [] });
const user = (index: number, ...blocks: ToolResultBlock[]): Message => ({
  role: "user",
  blocks,
  path: `messages[${index}]`,
});

test("every result once, the next one behind the call, wherever it stands", () => {
  const [early, first, second, other] = [result("a"), result("a"), result("a"), result("b")];
  const messages = [user(0, early), user(1), user(2, other, first), user(3, second)];
  const results = collectResults(canonical({ messages }));
  expect(results.take("a", 1)).toEqual({ block: first, message: 2, path: "messages[2].content[1]" });
  expect(results.take("a", 1)?.block).toBe(second);
  expect(results.take("a", 1)).toBeUndefined();
  expect(results.take("b", 2)).toBeUndefined();
  expect(results.take("c", 0)).toBeUndefined();
  expect(results.left(first)).toBeUndefined();
  expect(results.left(early)).toEqual({ block: early, message: 0, path: "messages[0].content[0]" });
  expect(results.left(other)?.path).toBe("messages[2].content[0]");
});
