// Which result answers which call, and what stands in for one that never came.

import { describe, expect, test } from "bun:test";
import type { Message, ToolCallBlock, ToolResultBlock } from "#src/wire/canonical.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { answerCalls, collectResults } from "#src/wire/results.ts";
import { canonical } from "./cases.ts";

const result = (callId: string): ToolResultBlock => ({ kind: "tool_result", callId, isError: false, content: [] });
const user = (index: number, ...blocks: ToolResultBlock[]): Message => ({
  role: "user",
  blocks,
  path: `messages[${index}]`,
});
const call = (id: string): ToolCallBlock => ({
  kind: "tool_call",
  id,
  name: "read",
  argsRaw: "{}",
  callKind: "function",
});
const model = (index: number, ...blocks: ToolCallBlock[]): Message => ({
  role: "assistant",
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

test("a result behind a later call of the same id is that call's", () => {
  const [own, late] = [result("a"), result("b")];
  const messages = [model(0, call("a"), call("b")), model(1, call("a")), user(2, own, late)];
  const results = collectResults(canonical({ messages }));
  expect(results.take("a", 0)).toBeUndefined();
  expect(results.take("b", 0)?.block).toBe(late);
  expect(results.take("a", 1)?.block).toBe(own);
});

describe("a call without a result", () => {
  const answered = (messages: Message[]) => {
    const losses = makeLossList();
    const request = canonical({ messages });
    return { request, out: answerCalls(request, losses), losses: losses.items.map(({ path, what }) => [path, what]) };
  };
  const stand = (callId: string): ToolResultBlock => ({
    kind: "tool_result",
    callId,
    isError: true,
    content: [{ kind: "text", text: "No result came for this call." }],
  });

  test("is told that none came, right behind its turn, and written down", () => {
    const messages = [model(0, call("a"), call("b"), call("c")), user(1, result("b")), model(2, call("d"))];
    const { out, losses } = answered(messages);
    expect(out.messages).toEqual([
      messages[0]!,
      { role: "tool", path: "messages[0]", blocks: [stand("a"), stand("c")] },
      messages[1]!,
      messages[2]!,
      { role: "tool", path: "messages[2]", blocks: [stand("d")] },
    ]);
    expect(losses).toEqual([["messages[0]", "call without a result"]]);
  });

  test("is none where the result comes late, or the provider runs the tool", () => {
    const own: ToolCallBlock = { ...call("s"), callKind: "server" };
    const { request, out, losses } = answered([model(0, call("a"), own), user(1), user(2, result("a"))]);
    expect(out).toBe(request);
    expect(losses).toEqual([]);
  });
});
