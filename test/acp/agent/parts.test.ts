// The parts of our own agent, each by itself: the order of calls, the conversation, the stream, commands and their ends.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConversation } from "#acp/agent/conversation.ts";
import { type Answer, type Message, type Model, modelAt } from "#acp/agent/model.ts";
import { runProcess } from "#acp/agent/processes.ts";
import type { Told } from "#acp/agent/protocol.ts";
import { searchTool } from "#acp/agent/search.ts";
import { headAndTail } from "#acp/agent/tool.ts";
import { workTurn } from "#acp/agent/turn.ts";
import { kindOf, toolCallOf } from "#acp/runtimes/headless-wire.ts";
import { ROOT } from "#test/support/broke.ts";
import { seeded } from "#test/support/random.ts";

const answer = (text: string, calls: Answer["calls"] = []): Answer => ({
  ...{ text, calls, reasoning: [], tokens: undefined },
  finish: calls.length > 0 ? "tool_calls" : "stop",
});
const call = (id: string, name: string, input: object) => ({ id, name, args: JSON.stringify(input) });
const going = () => new AbortController().signal;

function folderWith(files: Record<string, string>): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "broke-agent-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("calls that look go beside each other, those that change wait for all before them and for each other", async () => {
  using folder = folderWith({ "a.txt": "alpha\n" });
  const calls = [
    ...[call("1", "read_file", { path: "a.txt" }), call("1", "list_files", {})],
    call("2", "write_file", { path: "b.txt", content: "b" }),
    ...[
      call("3", "edit_file", { path: "b.txt", old_text: "b", new_text: "c" }),
      call("", "read_file", { path: "b.txt" }),
    ],
  ];
  const answers = [answer("", calls), answer("Done.")];
  const asked: Message[][] = [];
  const model: Model = async ({ messages }) => (asked.push([...messages]), answers[asked.length - 1]!);
  const told: Told[] = [];
  const turn = {
    ...{ model, conversation: openConversation("s", 10_000), folder: folder.path, signal: going() },
    tell: (each: Told) => void told.push(each),
    permit: async () => true,
  };
  expect(await workTurn(turn, [{ type: "text", text: "Go." }])).toEqual({ kind: "end", reason: "end_turn" });
  const events = told.flatMap((each) => (each.kind === "tool" ? [each.name] : each.kind === "ended" ? ["end"] : []));
  expect(events).toEqual([
    ...["read_file", "list_files", "end", "end", "write_file", "end", "edit_file", "end", "read_file", "end"],
  ]);
  const ids = asked[1]!.flatMap((message) => (message.role === "tool" ? [message.tool_call_id] : []));
  const made = asked[1]!.flatMap((message) =>
    message.role === "assistant" ? (message.tool_calls ?? []).map(({ id }) => id) : [],
  );
  // An id that was used twice, or left out, is another one.
  expect([ids, new Set(ids).size, ids.includes("")]).toEqual([made, 5, false]);
  expect(asked[1]!.at(-1)).toMatchObject({ role: "tool", content: "1\tc\n" });
});

test("whatever was said, a request fits its context, has the task in it, and every call has its result after it", async () => {
  const { next: random, pick } = seeded(20_261_127);
  const model: Model = async ({ messages }) => {
    expect(JSON.stringify(messages).length).toBeLessThan(4000 * 4 * 1.2);
    return answer("x".repeat(Math.floor(random() * 2000)));
  };
  let compacted = 0;
  for (let round = 0; round < 60; round++) {
    const conversation = openConversation("system", 4000);
    let task = "";
    for (let step = 0; step < 40; step++) {
      if (step === 0 || random() < 0.15) {
        task = `TASK-${round}-${step} ${"t".repeat(Math.floor(random() * 500))}`;
        conversation.prompt([{ type: "text", text: task }]);
      }
      const messages = await conversation.request(model, going(), () => void compacted++);
      const [open, found] = [new Set<string>(), messages.some(({ content }) => JSON.stringify(content).includes(task))];
      for (const message of messages) {
        if (message.role === "tool") expect(open.delete(message.tool_call_id)).toBe(true);
        else expect(open.size).toBe(0);
        if (message.role === "assistant") for (const { id } of message.tool_calls ?? []) open.add(id);
      }
      const chars = JSON.stringify(messages).length;
      expect({ found, left: open.size, fits: chars < 4000 * 4 * 1.5 }).toEqual({ found: true, left: 0, fits: true });
      const ids = Array.from({ length: Math.floor(random() * 4) }, (_, at) => `${round}_${step}_${at}`);
      const calls = ids.map((id) => call(id, "read_file", { path: "p".repeat(Math.floor(random() * 200)) }));
      conversation.answered(answer(pick(["", "words "]).repeat(20), calls), ids);
      for (const id of ids) conversation.result(id, "r".repeat(Math.floor(random() ** 4 * 8000)));
    }
  }
  expect(compacted).toBeGreaterThan(100);
});

describe("the stream of a model", () => {
  const body = [
    ": keep-alive\n\n",
    { choices: [{ delta: { role: "assistant", content: "" } }] },
    { choices: [{ delta: { reasoning_content: "Hm." } }] },
    { choices: [{ delta: { content: "Grüße 🙂" } }] },
    { choices: [{ delta: { tool_calls: [{ index: 1, id: "b", function: { name: "two", arguments: '{"x"' } }] } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, id: "a", function: { name: "one", arguments: "" } }] } }] },
    { choices: [{ delta: { tool_calls: [{ index: 1, function: { arguments: ":1}" } }] } }] },
    { choices: [{ delta: {}, finish_reason: "tool_calls" }] },
    { choices: [], usage: { total_tokens: 77 } },
    "data: [DONE]\n\n",
  ].map((each) => (typeof each === "string" ? each : `data: ${JSON.stringify(each)}\n\n`));

  const hear = async (bytes: Uint8Array, size: number, status = 200) => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
              controller.close();
            },
          }),
          { status },
        ),
    });
    const heard: string[] = [];
    const model = modelAt({ url: `http://127.0.0.1:${server.port}`, token: "t", model: "m" });
    const listener = {
      text: (piece: string) => void heard.push(piece),
      thought: (piece: string) => void heard.push(piece),
    };
    const said = await model({ messages: [], tools: [] }, listener, going());
    return { said, heard };
  };

  test.each([1, 2, 3, 7, 100_000])("in pieces of %d bytes is the same answer", async (size) => {
    expect(await hear(Buffer.from(body.join("")), size)).toEqual({
      said: {
        ...{ text: "Grüße 🙂", reasoning: [], finish: "tool_calls", tokens: 77 },
        calls: [
          { id: "a", name: "one", args: "" },
          { id: "b", name: "two", args: '{"x":1}' },
        ],
      },
      heard: ["Hm.", "Grüße 🙂"],
    });
  });

  test.each([
    ["without an end", body.slice(0, 4).join(""), 200, "its answer broke off"],
    ["of no JSON", "data: {\n\n", 200, "its answer broke off"],
    ["with an error", 'data: {"error":{"message":"too much"}}\n\n', 200, "too much"],
    ["refused", '{"error":{"message":"who are you"}}', 401, "status 401: who are you"],
    ["refused without words", "<html>", 502, "status 502: it gave no reason"],
    ["refused with null", "null", 500, "status 500: it gave no reason"],
  ])("%s is an error with its cause", async (_, text, status, cause) => {
    const said = await hear(Buffer.from(text), 1000, status).catch((error: Error) => error.message);
    expect(said).toBe(cause);
  });
});

describe("a command", () => {
  const usual = { cwd: tmpdir(), timeoutMs: 20_000, most: 1000, signal: going() };
  test("is ended with all it started when its time is up, and its output so far is there", async () => {
    const began = performance.now();
    const ended = await runProcess(["/bin/sh", "-c", "echo begun; setsid sleep 60 & sleep 60"], {
      ...usual,
      timeoutMs: 300,
    });
    expect([ended.why, ended.output, performance.now() - began < 5000]).toEqual(["time", "begun\n", true]);
  });

  test("that hands its output on to a process in the background does not hold the turn", async () => {
    const began = performance.now();
    const ended = await runProcess(["/bin/sh", "-c", "sleep 60 & echo over"], usual);
    expect([ended.code, ended.output, performance.now() - began < 5000]).toEqual([0, "over\n", true]);
  });

  test("of a turn that was cancelled before it is not waited for", async () => {
    const ended = await runProcess(["/bin/sh", "-c", "sleep 60"], { ...usual, signal: AbortSignal.abort() });
    expect(ended.why).toBe("cancelled");
  });
});

test("a search that would never end is ended with its turn", async () => {
  using folder = folderWith({ "bad.txt": `${"a".repeat(60)}!\n` });
  const began = performance.now();
  const searching = searchTool.run(
    { pattern: "^(a+)+$" },
    { folder: folder.path, signal: AbortSignal.timeout(500) },
  ) as Promise<string>;
  expect(await searching.catch((error: Error) => error.message)).toBe("Cancelled.");
  expect(performance.now() - began).toBeLessThan(5000);
});

test("of a long text both ends are kept, and it is well-formed", () => {
  expect(headAndTail("abcdefghij", 4)).toBe("ab\n[6 characters left out]\nij");
  expect(headAndTail("abcd", 4)).toBe("abcd");
  expect(headAndTail(`a🙂${"x".repeat(50)}🙂b`, 4).isWellFormed()).toBe(true);
});

test("commands too long to be shown whole are not taken for one another", () => {
  const long = "x".repeat(70_000);
  const shown = (command: string) =>
    toolCallOf({ kind: "tool", id: "1", name: "run_command", input: { command } }, "/w").rawInput as {
      command: string;
    };
  expect(shown(`${long}a`).command.length).toBeLessThan(66_000);
  expect(shown(`${long}a`)).not.toEqual(shown(`${long}b`));
  expect([kindOf("constructor"), kindOf("nobody's"), kindOf("read_file")]).toEqual(["execute", "execute", "read"]);
});

test("an editor is shown absolute paths, whatever the model wrote", () => {
  const shown = (path: string) => toolCallOf({ kind: "tool", id: "1", name: "read_file", input: { path } }, "/w");
  expect([shown("a/../b").locations, shown("/etc/hosts").locations]).toEqual([
    [{ path: "/w/b" }],
    [{ path: "/etc/hosts" }],
  ]);
  expect(shown("a").title).toBe("Read a");
});

test("the program is ready in less than a tenth of a second", async () => {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    const main = join(ROOT, "acp", "agent", "main.ts");
    await Bun.spawn([process.execPath, "--config=/dev/null", "--no-env-file", main], { stdin: "ignore" }).exited;
    times.push(performance.now() - began);
  }
  // Its whole life, from its start to the end of its orders.
  expect(Math.min(...times)).toBeLessThan(100);
});
