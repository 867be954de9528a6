// Who may use a tool: whatever is not a plain yes is a no.

import { describe, expect, test } from "bun:test";
import type { Turn } from "#acp/runtime.ts";
import { toolCallOf as claudeCall } from "#acp/runtimes/claude-wire.ts";
import { toolCallOf as codexCall } from "#acp/runtimes/codex-wire.ts";
import { faultOf } from "#test/support/acp.ts";
import { type Frame, openTalk, stopOf, text } from "#test/support/acp-pair.ts";

describe("permission", () => {
  const execute = { toolCall: { toolCallId: "t", title: "rm -rf x", name: "Bash" }, kind: "execute" as const };
  const asks = (given: boolean[]) => async (_: unknown, turn: Turn) => {
    given.push(await turn.permit(execute));
    return "end_turn" as const;
  };
  const question = ({ method }: Frame) => method === "session/request_permission";

  test.each([
    ["allow", { outcome: { outcome: "selected", optionId: "allow" } }, true],
    ["reject", { outcome: { outcome: "selected", optionId: "reject" } }, false],
    ["an option nobody offered", { outcome: { outcome: "selected", optionId: "yes" } }, false],
    ["cancelled", { outcome: { outcome: "cancelled" } }, false],
    ["junk", {}, false],
    ["null", null, false],
  ])("answered with %s", async (_, result, allowed) => {
    const given: boolean[] = [];
    using pair = await openTalk(asks(given));
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const asked = await pair.until(question);
    expect(faultOf("RequestPermissionRequest", asked.params)).toBeUndefined();
    pair.answer(asked.id, result);
    await going;
    expect(given).toEqual([allowed]);
  });

  test("answered with an error, or by nobody any more, it is not given", async () => {
    const given: boolean[] = [];
    using pair = await openTalk(asks(given));
    const first = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const asked = await pair.until(question);
    pair.put(`${JSON.stringify({ jsonrpc: "2.0", id: asked.id, error: { code: -1, message: "m" } })}\n`);
    await first;
    void pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    await pair.until((frame) => question(frame) && frame.id !== asked.id);
    pair.close();
    while (given.length < 2) await Bun.sleep(1);
    expect(given).toEqual([false, false]);
  });

  test("pending when the turn is cancelled, the question is withdrawn, and a late yes is none", async () => {
    const given: boolean[] = [];
    using pair = await openTalk(asks(given));
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const asked = await pair.until(question);
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    expect(stopOf(await going)).toBe("cancelled");
    pair.answer(asked.id, { outcome: { outcome: "selected", optionId: "allow" } });
    expect(pair.frames.find(({ method }) => method === "$/cancel_request")?.params).toEqual({
      requestId: asked.id,
    } as never);
    expect(given).toEqual([false]);
  });

  test("for the session it is asked once; another command is asked about again", async () => {
    const given: boolean[] = [];
    using pair = await openTalk(async (_, turn) => {
      given.push(await turn.permit(execute), await turn.permit(execute));
      given.push(await turn.permit({ ...execute, toolCall: { ...execute.toolCall, title: "rm -rf y" } }));
      return "end_turn";
    });
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const first = await pair.until(question);
    pair.answer(first.id, { outcome: { outcome: "selected", optionId: "allow_always" } });
    const second = await pair.until((frame) => question(frame) && frame.id !== first.id);
    pair.answer(second.id, { outcome: { outcome: "selected", optionId: "reject" } });
    await going;
    expect(given).toEqual([true, true, false]);
  });

  const long = `echo ${"x".repeat(300)}`;
  const commandExecution = (command: string) => ({ type: "commandExecution" as const, id: "t", command });
  test.each([
    ["Claude Code", (command: string) => claudeCall("t", "Bash", { command, description: command })],
    ["Codex", (command: string) => codexCall(commandExecution(command))],
  ])("for the session a command means its whole words, however they are shown: %s", async (_name, callOf) => {
    const given: boolean[] = [];
    using pair = await openTalk(async (_, turn) => {
      for (const command of [`${long}; ls`, `${long}; ls`, `${long}; rm -rf .`])
        given.push(await turn.permit({ toolCall: callOf(command), kind: "execute" }));
      return "end_turn";
    });
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const first = await pair.until(question);
    pair.answer(first.id, { outcome: { outcome: "selected", optionId: "allow_always" } });
    const other = pair.until((frame) => question(frame) && frame.id !== first.id);
    void other.then(({ id }) => pair.answer(id, { outcome: { outcome: "selected", optionId: "reject" } }));
    await going;
    expect(given).toEqual([true, true, false]);
  });

  test("for the session a tool without a name means that one, and not all of its kind", async () => {
    const given: boolean[] = [];
    using pair = await openTalk(async (_, turn) => {
      for (const title of ["word (plum)", "word (plum)", "remove (pear)"])
        given.push(await turn.permit({ toolCall: { toolCallId: "t", title }, kind: "other" }));
      return "end_turn";
    });
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    const first = await pair.until(question);
    pair.answer(first.id, { outcome: { outcome: "selected", optionId: "allow_always" } });
    const other = await pair.until((frame) => question(frame) && frame.id !== first.id);
    pair.answer(other.id, { outcome: { outcome: "selected", optionId: "reject" } });
    await going;
    expect(given).toEqual([true, true, false]);
  });

  test.each([
    ["auto", [true, true, true]],
    ["plan", [true, false, false]],
    ["accept_edits", [true, true]],
  ])("in %s nobody is asked about what is clear", async (modeId, wanted) => {
    const given: boolean[] = [];
    const kinds = (["read", "edit", "execute"] as const).slice(
      modeId === "accept_edits" ? 1 : 0,
      modeId === "accept_edits" ? 2 : 3,
    );
    using pair = await openTalk(async (_, turn) => {
      for (const kind of kinds) given.push(await turn.permit({ toolCall: { toolCallId: kind, title: kind }, kind }));
      if (modeId === "accept_edits") given.push(true);
      return "end_turn";
    });
    await pair.ask("session/set_mode", { sessionId: pair.sessionId, modeId });
    await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    expect([given, pair.frames.some(question)]).toEqual([wanted, false]);
  });
});
