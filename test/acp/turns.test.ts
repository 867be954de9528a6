// What becomes of a prompt: one answer, everything of the turn before it, nothing after it, whatever the client does and whenever it is cancelled.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Turn } from "#acp/runtime.ts";
import { chunk, codeOf, openTalk, type Runtime, stopOf, text, updatesOf } from "#test/support/acp-pair.ts";

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

/** What an editor is told about a session, which is no part of a turn. */
const isAbout = (update: unknown) =>
  ["session_info_update", "available_commands_update"].includes(
    (update as { sessionUpdate?: string }).sessionUpdate ?? "",
  );

describe("a turn", () => {
  test.each([
    ["a text", "hello"],
    ["a block of no kind", [{ type: "smell" }]],
    ["a block without its text", [{ type: "text" }]],
    ["sound, which nobody offered", [{ type: "audio", data: "", mimeType: "audio/wav" }]],
    ["nothing", []],
  ])("of %s is invalid, and touches no client", async (_, prompt) => {
    using pair = await openTalk();
    expect(codeOf(await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt }))).toBe(-32602);
    expect(pair.runtimes).toEqual([]);
  });

  test("text in drops is gathered, in order with all else; open tools are closed before the answer; what comes later is shown to nobody", async () => {
    let late: Turn | undefined;
    using pair = await openTalk(async (_, turn) => {
      late = turn;
      for (const word of ["a", "b", "c"]) void turn.update(chunk(word));
      void turn.update({ sessionUpdate: "tool_call", toolCallId: "t1", title: "one", status: "pending" });
      void turn.update({ sessionUpdate: "tool_call", toolCallId: "t2", title: "two", status: "pending" });
      void turn.update({ sessionUpdate: "tool_call_update", toolCallId: "t2", status: "completed" });
      void turn.update(chunk("d"));
      return "end_turn";
    });
    const answer = await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    await late!.update(chunk("late"));
    expect(await late!.permit({ toolCall: { toolCallId: "t" }, kind: "read" })).toBe(false);
    expect(stopOf(answer)).toBe("end_turn");
    const { sessionId } = pair;
    expect(
      pair.frames
        .slice(2)
        .map(({ id, params }) => (params as unknown as { update?: object } | undefined)?.update ?? id)
        .filter((each) => !isAbout(each)),
    ).toEqual([
      chunk("a"),
      chunk("bc"),
      { sessionUpdate: "tool_call", toolCallId: "t1", title: "one", status: "pending" },
      { sessionUpdate: "tool_call", toolCallId: "t2", title: "two", status: "pending" },
      { sessionUpdate: "tool_call_update", toolCallId: "t2", status: "completed" },
      chunk("d"),
      { sessionUpdate: "tool_call_update", toolCallId: "t1", status: "failed" },
      answer.id,
    ]);
    const file = readFileSync(join(pair.home, "acp", `${sessionId}.jsonl`), "utf8");
    expect(file).toContain('"quarantined"');
    expect(file).not.toContain('"late","content"');
  });

  test("one is answered after the other, in the order they came", async () => {
    const begun: string[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    using pair = await openTalk(async (blocks, turn) => {
      const word = (blocks[0] as { text: string }).text;
      begun.push(word);
      await gates[begun.length - 1]!.promise;
      await turn.update(chunk(word));
      return "end_turn";
    });
    const first = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("first") });
    const second = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("second") });
    gates[1]!.resolve();
    while (begun.length === 0) await Bun.sleep(1);
    expect(begun).toEqual(["first"]);
    gates[0]!.resolve();
    await Promise.all([first, second]);
    expect([begun, updatesOf(pair).filter((update) => !isAbout(update))]).toEqual([
      ["first", "second"],
      [chunk("first"), chunk("second")],
    ] as never);
  });

  test("a client that dies in the middle is said to have; the next prompt has another, which is told what was said", async () => {
    using pair = await openTalk(async (_, turn) => {
      await turn.update(chunk("half"));
      return new Promise(() => {});
    });
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go on") });
    while (!updatesOf(pair).some(({ sessionUpdate }) => sessionUpdate === "agent_message_chunk")) await Bun.sleep(1);
    pair.runtimes[0]!.die();
    expect([codeOf(await going), (await going).error?.data]).toEqual([-32603, { reason: "runtime_exited" }]);
    const next = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("again") });
    while (pair.runtimes.length < 2) await Bun.sleep(1);
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    expect(pair.runtimes[1]!.options.transcript).toBe("user: go on\n\nassistant: half\n\n");
    pair.runtimes[1]!.die();
    expect(stopOf(await next)).toBe("cancelled");
  });
});

describe("cancelling", () => {
  const waits = async (_: unknown, { signal }: Turn) => {
    await aborted(signal);
    return "end_turn" as const;
  };

  test("ends what is going on and what waits, each answered as cancelled; the next turn is another", async () => {
    let now: Runtime["prompt"] = waits;
    using pair = await openTalk((blocks, turn) => now(blocks, turn));
    const both = [1, 2].map(() => pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") }));
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    for (const answer of await Promise.all(both)) expect(stopOf(answer)).toBe("cancelled");
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    now = async () => "end_turn";
    const next = await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    expect(stopOf(next)).toBe("end_turn");
  });

  test("in the same write as the prompt, of no session, without words: none of it hangs", async () => {
    using pair = await openTalk(waits);
    const { sessionId } = pair;
    const prompt = JSON.stringify({
      jsonrpc: "2.0",
      id: "p",
      method: "session/prompt",
      params: { sessionId, prompt: text("go") },
    });
    const cancel = JSON.stringify({ jsonrpc: "2.0", method: "session/cancel", params: { sessionId } });
    pair.tell("session/cancel", { sessionId: "nobody" });
    pair.tell("session/cancel", undefined);
    pair.put(`${prompt}\n${cancel}\n`);
    expect(stopOf(await pair.until(({ id }) => id === "p"))).toBe("cancelled");
  });

  test("the request itself withdrawn is answered; a withdrawal of nothing is nothing", async () => {
    using pair = await openTalk(waits);
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") }, "mine");
    for (const requestId of ["other", null, {}]) pair.tell("$/cancel_request", { requestId });
    pair.tell("$/cancel_request", { requestId: "mine" });
    expect(stopOf(await going)).toBe("cancelled");
  });

  test("a client that takes no notice is ended, and the turn with it", async () => {
    using pair = await openTalk(() => new Promise(() => {}));
    const going = pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    while (pair.runtimes.length === 0) await Bun.sleep(1);
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    expect(stopOf(await going)).toBe("cancelled");
    expect(pair.runtimes[0]!.closed).toBe(true);
  }, 20_000);

  test("one session's is not another's", async () => {
    using pair = await openTalk(waits);
    const beside = mkdtempSync(join(tmpdir(), "broke-acp-"));
    const { result } = await pair.ask("session/new", { cwd: beside, mcpServers: [] });
    const other = (result as unknown as { sessionId: string }).sessionId;
    const [mine, theirs] = [pair.sessionId, other].map((sessionId) =>
      pair.ask("session/prompt", { sessionId, prompt: text("go") }),
    );
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    await mine;
    expect(
      pair.frames.filter(({ result }) => (result as { stopReason?: string } | undefined)?.stopReason !== undefined),
    ).toHaveLength(1);
    pair.tell("session/cancel", { sessionId: other });
    await theirs;
  });
});

test("what went out in many pieces is shown again in few, in order with all else", async () => {
  using pair = await openTalk(async (_, turn) => {
    for (const word of ["a", "b", "c"]) {
      await turn.update(chunk(word));
      await Bun.sleep(15);
    }
    await turn.update({ sessionUpdate: "tool_call", toolCallId: "t1", title: "one", status: "completed" });
    await turn.update(chunk("d"));
    await turn.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text: "e" } });
    return "end_turn";
  });
  const { sessionId, cwd } = pair;
  await pair.ask("session/prompt", { sessionId, prompt: text("go") });
  const from = updatesOf(pair).length;
  await pair.ask("session/load", { sessionId, cwd, mcpServers: [] });
  const shown = updatesOf(pair).slice(from) as { sessionUpdate: string; content?: { text?: string } }[];
  expect(
    shown.map(({ sessionUpdate, content }) => `${sessionUpdate} ${content?.text ?? ""}`.trim()).slice(0, 5),
  ).toEqual([
    ...[
      "user_message_chunk go",
      "agent_message_chunk abc",
      "tool_call",
      "agent_message_chunk d",
      "agent_thought_chunk e",
    ],
  ]);
});
