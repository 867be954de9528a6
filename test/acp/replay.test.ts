// A session that is shown again after a crash: no tool call is left going on, unless it is.

import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { openTalk, type Pair, stopOf, text, updatesOf } from "#test/support/acp-pair.ts";

type Talk = Pair & { sessionId: string };
type Shown = { sessionUpdate: string; toolCallId?: string; status?: string; content?: { text?: string } };

async function shownAgain(pair: Talk): Promise<string[]> {
  const { sessionId, cwd } = pair;
  const from = updatesOf(pair).length;
  await pair.ask("session/load", { sessionId, cwd, mcpServers: [] });
  const about = new Set(["session_info_update", "available_commands_update"]);
  return (updatesOf(pair).slice(from) as Shown[])
    .filter(({ sessionUpdate }) => !about.has(sessionUpdate))
    .map(({ toolCallId, status, content }) => (toolCallId === undefined ? content!.text! : `${toolCallId} ${status}`));
}

test("calls that a crash left open are failed before the next prompt, and at the end", async () => {
  using pair = await openTalk();
  const { sessionId, home } = pair;
  await pair.ask("session/close", { sessionId });
  const call = (toolCallId: string, status: string, sessionUpdate = "tool_call") => ({
    kind: "update",
    update: { sessionUpdate, toolCallId, title: "t", status },
  });
  const prompt = (words: string) => ({ kind: "prompt", blocks: text(words) });
  const lines = [
    ...[prompt("one"), call("a", "pending"), call("b", "pending"), call("b", "completed", "tool_call_update")],
    ...[prompt("two"), call("c", "pending"), call("c", "in_progress", "tool_call_update")],
  ].map((line) => JSON.stringify({ at: "2026-01-01T00:00:00.000Z", ...line }));
  appendFileSync(join(home, "acp", `${sessionId}.jsonl`), `${lines.join("\n")}\n`);
  expect(await shownAgain(pair)).toEqual([
    ...["one", "a pending", "b pending", "b completed", "a failed"],
    ...["two", "c pending", "c in_progress", "c failed"],
  ]);
});

test("a call of a turn that goes on is left to end by itself", async () => {
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  using pair = await openTalk(async (_, turn) => {
    await turn.update({ sessionUpdate: "tool_call", toolCallId: "a", title: "t", status: "pending" });
    began.resolve();
    await gate.promise;
    return "end_turn";
  });
  const { sessionId } = pair;
  const going = pair.ask("session/prompt", { sessionId, prompt: text("go") });
  await began.promise;
  expect(await shownAgain(pair)).toEqual(["go", "a pending"]);
  gate.resolve();
  expect(stopOf(await going)).toBe("end_turn");
  expect(await shownAgain(pair)).toEqual(["go", "a pending", "a failed"]);
});
