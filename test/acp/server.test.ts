// What an editor may rely on whatever it sends, and whatever the client does: one answer to each request, no turn that hangs, nothing shown that is
// not of a turn, no tool that was not allowed.

import { describe, expect, test } from "bun:test";
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultOf } from "#test/support/acp.ts";
import { chunk, codeOf, type Frame, openPair, openTalk, text, updatesOf } from "#test/support/acp-pair.ts";

describe("frames", () => {
  test.each([
    ["no JSON", "{nope\n", -32700],
    ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"initialize"}]\n', -32600],
    ["an empty batch", "[]\n", -32600],
    ["null", "null\n", -32600],
    ["a scalar", "7\n", -32600],
    ["no jsonrpc", '{"id":"x","method":"initialize","params":{}}\n', -32600],
    ["garbage", "\u0000\u00ff\ufffd\n", -32700],
    ["too long", `"${"x".repeat(1024 * 1024)}"\n`, -32600],
  ])("%s is refused, and the connection goes on", async (_, line, code) => {
    using pair = openPair();
    pair.put(line);
    expect(codeOf(await pair.until(({ error }) => error !== undefined))).toBe(code);
    expect((await pair.ask("initialize", { protocolVersion: 1 })).error).toBeUndefined();
  });

  test("an unknown method is one, an unknown notification and an answer nobody asked for are nothing", async () => {
    using pair = openPair();
    pair.tell("_vendor/x", {});
    pair.answer(77, {});
    pair.put("\r\n\n");
    expect([codeOf(await pair.ask("no/such", {})), codeOf(await pair.ask("_vendor/x", {}))]).toEqual([-32601, -32601]);
    expect(pair.frames).toHaveLength(2);
  });

  test("ids come back as they were", async () => {
    using pair = openPair();
    for (const id of ["a", 0, 9007199254740991, ""])
      expect((await pair.ask("initialize", { protocolVersion: 1 }, id)).id).toBe(id as never);
  });

  test("nothing of what was sent is in an error, and nothing but its kind of a bug", async () => {
    using pair = await openTalk(async () => {
      throw new Error("secret-of-a-bug at /home/x");
    });
    const bug = await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("a") });
    const wrong = await pair.ask("session/new", { cwd: "secret-path", mcpServers: [] });
    expect(JSON.stringify([bug, wrong])).not.toContain("secret");
    expect([codeOf(bug), codeOf(wrong)]).toEqual([-32603, -32602]);
  });
});

describe("before a session", () => {
  test.each([0, 1, 2, 99])("asked for version %d it speaks 1", async (protocolVersion) => {
    using pair = openPair();
    const answer = await pair.ask("initialize", {
      protocolVersion,
      clientCapabilities: null,
      _meta: { x: 1 },
      new: true,
    });
    expect([faultOf("InitializeResponse", answer.result), answer.result]).toMatchObject([
      undefined,
      { protocolVersion: 1, authMethods: [] },
    ]);
  });

  test.each([
    ["no version", {}],
    ["a date", { protocolVersion: "2025-06-18" }],
    ["nothing", undefined],
  ])("%s is invalid", async (_, params) => {
    using pair = openPair();
    expect(codeOf(await pair.ask("initialize", params))).toBe(-32602);
  });

  test("nothing else is answered before it, and no client is started by any of it", async () => {
    using pair = openPair();
    expect(codeOf(await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] }))).toBe(-32600);
    await pair.ask("initialize", { protocolVersion: 1 });
    const made = await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] });
    expect([faultOf("NewSessionResponse", made.result), pair.runtimes, updatesOf(pair)]).toEqual([undefined, [], []]);
  });

  test.each([
    ["a relative folder", { cwd: "x", mcpServers: [] }],
    ["no folder", { cwd: null, mcpServers: [] }],
    ["one that is not there", { cwd: "/nonexistent/x", mcpServers: [] }],
    ["no list of servers", { cwd: "/" }],
  ])("session/new with %s is invalid", async (_, params) => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    expect(codeOf(await pair.ask("session/new", params))).toBe(-32602);
  });

  test("a session nobody knows is said to be so; a path is none", async () => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    for (const sessionId of ["sess_1_00000000", "../../etc/passwd", ""]) {
      for (const method of ["session/prompt", "session/load", "session/resume", "session/set_mode", "session/close"]) {
        const answer = await pair.ask(method, {
          sessionId,
          cwd: pair.cwd,
          mcpServers: [],
          prompt: text("a"),
          modeId: "ask",
        });
        expect([codeOf(answer), answer.error?.data]).toEqual([-32002, { sessionId }]);
      }
    }
    expect((await pair.ask("session/delete", { sessionId: "sess_1_00000000" })).result).toEqual({} as never);
  });
});

describe("what a session chose", () => {
  test("an option's answer is the whole list; what there is none of is invalid; both ways to a mode agree", async () => {
    using pair = await openTalk();
    const { sessionId } = pair;
    const set = (configId: string, value: unknown) =>
      pair.ask("session/set_config_option", { sessionId, configId, value });
    const chosen = await set("model", "opus");
    expect(faultOf("SetSessionConfigOptionResponse", chosen.result)).toBeUndefined();
    const values = ({ result }: Frame) =>
      (result as unknown as { configOptions: { id: string; currentValue: string }[] }).configOptions.map(
        ({ id, currentValue }) => [id, currentValue],
      );
    expect(values(chosen)).toEqual([
      ["mode", "ask"],
      ["lane", "claude"],
      ["model", "opus"],
      ["sandbox", "strict"],
      ["policy", "off"],
    ]);
    expect([codeOf(await set("model", "x")), codeOf(await set("x", "opus")), codeOf(await set("mode", true))]).toEqual([
      -32602, -32602, -32602,
    ]);
    expect(values(await set("lane", "codex"))).toEqual([
      ["mode", "ask"],
      ["lane", "codex"],
      ["model", "gpt54"],
      ["thought_level", "default"],
      ["sandbox", "strict"],
      ["policy", "off"],
    ]);
    await set("mode", "auto");
    expect(updatesOf(pair).find(({ sessionUpdate }) => sessionUpdate === "current_mode_update")).toMatchObject({
      currentModeId: "auto",
    });
    expect(codeOf(await pair.ask("session/set_mode", { sessionId, modeId: "root" }))).toBe(-32602);
  });

  test("another model, sandbox, policy or a plan is another client at the next prompt; asking less is not", async () => {
    using pair = await openTalk();
    const { sessionId } = pair;
    const prompt = () => pair.ask("session/prompt", { sessionId, prompt: text("go") });
    await prompt();
    await pair.ask("session/set_mode", { sessionId, modeId: "auto" });
    await prompt();
    expect(pair.runtimes).toHaveLength(1);
    await pair.ask("session/set_mode", { sessionId, modeId: "plan" });
    await prompt();
    await pair.ask("session/set_config_option", { sessionId, configId: "sandbox", value: "hardened" });
    await prompt();
    await pair.ask("session/set_config_option", { sessionId, configId: "policy", value: "balanced" });
    await prompt();
    expect(
      pair.runtimes.map(({ options: { mode, sandbox, policy }, closed }) => [mode, sandbox, policy, closed]),
    ).toEqual([
      ["ask", "strict", "off", true],
      ["plan", "strict", "off", true],
      ["plan", "hardened", "off", true],
      ["plan", "hardened", "balanced", false],
    ]);
  });
});

describe("the store", () => {
  test("what a session chose is what it has when it is opened again; what there is none of any more is as usual", async () => {
    using pair = await openTalk();
    const { sessionId } = pair;
    const set = (configId: string, value: string) =>
      pair.ask("session/set_config_option", { sessionId, configId, value });
    await set("lane", "codex");
    await set("thought_level", "high");
    await set("policy", "balanced");
    await pair.ask("session/set_mode", { sessionId, modeId: "plan" });
    await pair.ask("session/close", { sessionId });
    const values = async () => {
      const { result } = await pair.ask("session/resume", { sessionId, cwd: pair.cwd, mcpServers: [] });
      const { configOptions } = result as unknown as { configOptions: { currentValue: string }[] };
      return configOptions.map(({ currentValue }) => currentValue);
    };
    expect(await values()).toEqual(["plan", "codex", "gpt54", "high", "strict", "balanced"]);
    await pair.ask("session/close", { sessionId });
    const gone = { lane: "codex", model: "opus", thought_level: "x", sandbox: "none", policy: "none", mode: "root" };
    const line = { kind: "chose", at: "2026-01-01T00:00:00.000Z", choices: gone };
    appendFileSync(join(pair.home, "acp", `${sessionId}.jsonl`), `${JSON.stringify(line)}\n`);
    expect(await values()).toEqual(["ask", "codex", "gpt54", "default", "strict", "off"]);
  });

  test("a session is closed once, listed by its folder, gone when it is deleted; pages end", async () => {
    using pair = await openTalk();
    const { sessionId } = pair;
    await pair.ask("session/prompt", { sessionId, prompt: text("A title\nand more") });
    expect((await pair.ask("session/close", { sessionId })).result).toEqual({} as never);
    expect([
      codeOf(await pair.ask("session/close", { sessionId })),
      codeOf(await pair.ask("session/prompt", { sessionId, prompt: text("a") })),
    ]).toEqual([-32002, -32002]);
    for (let made = 0; made < 60; made++) await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] });
    const page = async (params: object) =>
      (await pair.ask("session/list", params)).result as unknown as {
        sessions: { title: string | null }[];
        nextCursor?: string;
      };
    const first = await page({});
    const second = await page({ cursor: first.nextCursor });
    expect([first.sessions.length, second.sessions.length, second.nextCursor]).toEqual([50, 11, undefined]);
    expect([...first.sessions, ...second.sessions].filter(({ title }) => title === "A title")).toHaveLength(1);
    expect([
      (await page({ cwd: "/nonexistent" })).sessions,
      codeOf(await pair.ask("session/list", { cursor: "x" })),
    ]).toEqual([[], -32602]);
    await pair.ask("session/delete", { sessionId });
    expect(codeOf(await pair.ask("session/load", { sessionId, cwd: pair.cwd, mcpServers: [] }))).toBe(-32002);
  });

  test("a torn line and lines of nobody's are passed over; a file that is none is no session", async () => {
    using pair = await openTalk(async (_, turn) => {
      await turn.update(chunk("answer"));
      return "end_turn";
    });
    const { sessionId } = pair;
    await pair.ask("session/prompt", { sessionId, prompt: text("question") });
    await pair.ask("session/close", { sessionId });
    const folder = join(pair.home, "acp");
    appendFileSync(join(folder, `${sessionId}.jsonl`), '{"kind":"later"}\n{"kind":"upda');
    writeFileSync(join(folder, "sess_1_00000000.jsonl"), "nonsense\n", { mode: 0o600 });
    const from = pair.frames.length;
    expect((await pair.ask("session/load", { sessionId, cwd: pair.cwd, mcpServers: [] })).error).toBeUndefined();
    expect(
      pair.frames
        .slice(from)
        .flatMap(
          ({ params }) =>
            (params as unknown as { update?: { sessionUpdate: string } } | undefined)?.update?.sessionUpdate ?? [],
        ),
    ).toEqual([...["user_message_chunk", "agent_message_chunk"]]);
    expect(
      codeOf(await pair.ask("session/load", { sessionId: "sess_1_00000000", cwd: pair.cwd, mcpServers: [] })),
    ).toBe(-32002);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test("the server closes all of it", async () => {
    using pair = await openTalk();
    await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
    pair.close();
    await pair.server.close();
    expect(pair.runtimes.map(({ closed }) => closed)).toEqual([true]);
  });
});
