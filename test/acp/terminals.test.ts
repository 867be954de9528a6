// What commands print: content of the tool call, as it comes and capped, with the exit code; the terminal of `_meta` for editors that draw one; never a
// terminal of the editor's own, whatever it offers.

import { describe, expect, test } from "bun:test";
import type { ToolCallUpdate } from "@agentclientprotocol/sdk";
import { terminalStyleOf } from "#acp/terminals.ts";
import { openHeadless } from "#test/support/headless.ts";
import { say, tool } from "#test/support/upstream/script.ts";
import { openTalk, type Pair, text, updatesOf } from "#test/support/acp-pair.ts";
import type { Turn } from "#acp/runtime.ts";
import type { SessionUpdate } from "#acp/schema.ts";

const call = {
  sessionUpdate: "tool_call",
  toolCallId: "c1",
  title: "make",
  kind: "execute",
  status: "pending",
} as const;
const end = (output: string, code: number | null = 0): SessionUpdate => ({
  ...{ sessionUpdate: "tool_call_update", toolCallId: "c1", status: code === 0 ? "completed" : "failed" },
  content: [{ type: "content", content: { type: "text", text: output } }],
  ...(code === null ? {} : { rawOutput: { exit_code: code, signal: null } }),
});

/** A turn with one command; `act` prints. */
async function turnWith(
  act: (turn: Turn, pair: Pair) => Promise<unknown>,
  { meta, secrets = [] }: { meta?: object; secrets?: string[] } = {},
): Promise<Pair & { sessionId: string; tools: ToolCallUpdate[] }> {
  const pair = await openTalk(
    async (_, turn) => {
      await turn.update(call);
      await act(turn, pair);
      return "end_turn";
    },
    { secrets, capabilities: { terminal: true, ...(meta === undefined ? {} : { _meta: meta }) } },
  );
  await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
  const tools = updatesOf(pair).filter(({ sessionUpdate }) => sessionUpdate.startsWith("tool_call"));
  return Object.assign(pair, { tools: tools as unknown as ToolCallUpdate[] });
}
const textOf = ({ content }: ToolCallUpdate) =>
  (content ?? [])
    .map((item) => (item.type === "content" && item.content.type === "text" ? item.content.text : `<${item.type}>`))
    .join("");
const told = (tools: ToolCallUpdate[], key: string) =>
  tools.flatMap(({ _meta: meta }) => (meta?.[key] === undefined ? [] : [meta[key] as { data?: string }]));
const isNews = (wanted: string) => (frame: { params?: never }) => JSON.stringify(frame).includes(wanted);

describe("as content", () => {
  test("its end is shown while it goes on, then all of it with the exit code", async () => {
    using pair = await turnWith(async (turn, { until }) => {
      turn.printed("c1", "compiling\n");
      await until(isNews("compiling"));
      turn.printed("c1", "more\n");
      await turn.update(end("compiling\nmore\n", 2));
    });
    expect(pair.tools.map(textOf)).toEqual(["", "compiling\n", "compiling\nmore\n"]);
    expect(pair.tools.at(-1)).toMatchObject({ status: "failed", rawOutput: { exit_code: 2 } });
    expect(pair.tools.some((each) => each._meta != null)).toBe(false);
  });

  test("however much is printed, what is shown of it is bounded", async () => {
    const piece = `${"x".repeat(1023)}\n`;
    using pair = await turnWith(async (turn, { until }) => {
      for (let count = 0; count < 2000; count++) turn.printed("c1", piece);
      await until(isNews("[…]"));
      await turn.update(end(piece.repeat(2000)));
    });
    expect(pair.tools.length).toBeLessThan(5);
    for (const each of pair.tools.slice(1, -1)) expect(textOf(each).length).toBeLessThan(5 * 1024);
    expect(textOf(pair.tools.at(-1)!).length).toBeLessThan(65 * 1024);
  });
});

describe.each(["terminal_output", "terminal_output_delta"])("for an editor that says %s", (style) => {
  const meta = { [style]: true };
  test("it is announced, told in pieces, and ended with the exit code", async () => {
    using pair = await turnWith(
      async (turn, { until }) => {
        turn.printed("c1", "compiling\n");
        await until(isNews("compiling"));
        turn.printed("c1", "more\n");
        await turn.update(end("[exit code 2]\ncompiling\nmore\n", 2));
      },
      { meta },
    );
    const [first, ...rest] = pair.tools;
    expect(first).toMatchObject({
      content: [{ type: "terminal", terminalId: "c1" }],
      _meta: { terminal_info: { terminal_id: "c1", cwd: pair.cwd } },
    });
    expect(told(rest, style)).toEqual([
      { terminal_id: "c1", data: "compiling\n" },
      { terminal_id: "c1", data: "more\n" },
    ] as never);
    expect(rest.at(-1)).toMatchObject({
      ...{ status: "failed", content: [{ type: "terminal", terminalId: "c1" }] },
      _meta: { terminal_exit: { terminal_id: "c1", exit_code: 2, signal: null } },
    });
  });

  test("what was not told of as it came is told at its end, and what was not all stands beside it", async () => {
    using silent = await turnWith((turn) => turn.update(end("all of it\n")), { meta });
    expect(told(silent.tools, style)).toEqual([{ terminal_id: "c1", data: "all of it\n" }] as never);
    expect(textOf(silent.tools.at(-1)!)).toBe("<terminal>");
    using partly = await turnWith(
      async (turn) => {
        turn.printed("c1", "second\n");
        await turn.update(end("first\nsecond\n"));
      },
      { meta },
    );
    expect(textOf(partly.tools.at(-1)!)).toBe("<terminal>first\nsecond\n");
  });

  test("what was never run has its words, and no end of a command", async () => {
    using pair = await turnWith((turn) => turn.update(end("The user did not allow this.", null)), { meta });
    expect([textOf(pair.tools.at(-1)!), told(pair.tools, "terminal_exit")]).toEqual([
      "The user did not allow this.",
      [],
    ]);
  });

  test("it is cut where it is too long, once", async () => {
    using pair = await turnWith(
      async (turn) => {
        for (let count = 0; count < 200; count++) turn.printed("c1", "x".repeat(1024));
        await turn.update(end("x".repeat(200 * 1024)));
      },
      { meta },
    );
    const data = told(pair.tools, style)
      .map((each) => each.data)
      .join("");
    expect([data.length < 65 * 1024, data.split("[cut]").length]).toEqual([true, 2]);
  });
});

test("a secret that is printed in pieces is not shown and not stored, in any form", async () => {
  const secret = "the-known-secret-value";
  for (const meta of [undefined, { terminal_output: true }]) {
    using pair = await turnWith(
      async (turn, { until }) => {
        turn.printed("c1", `begin ${secret.slice(0, 9)}`);
        await until(isNews("begin"));
        turn.printed("c1", `${secret.slice(9)} end\n`);
        await turn.update(end(`begin ${secret} end\n`));
      },
      { secrets: [secret], ...(meta === undefined ? {} : { meta }) },
    );
    const shown = JSON.stringify(pair.frames);
    expect([shown.includes(secret), shown.includes(secret.slice(0, 9)), shown.includes("[redacted]")]).toEqual([
      false,
      false,
      true,
    ]);
  }
});

test("what one editor was told in pieces is content for another that loads the session and draws no terminals", async () => {
  using pair = await turnWith(
    async (turn, { until }) => {
      turn.printed("c1", "compiling\n");
      await until(isNews("compiling"));
      turn.printed("c1", "more\n");
      await turn.update(end("[exit code 2]\ncompiling\nmore\n", 2));
    },
    { meta: { terminal_output: true } },
  );
  const { sessionId, cwd } = pair;
  const loaded = async (clientCapabilities: object) => {
    await pair.ask("initialize", { protocolVersion: 1, clientCapabilities });
    const from = updatesOf(pair).length;
    await pair.ask("session/load", { sessionId, cwd, mcpServers: [] });
    const tools = updatesOf(pair)
      .slice(from)
      .filter(({ sessionUpdate }) => sessionUpdate.startsWith("tool_call"));
    return tools as unknown as ToolCallUpdate[];
  };
  const plain = await loaded({});
  expect(plain.map(textOf)).toEqual(["", "compiling\nmore\n"]);
  expect([plain.some(({ _meta: meta }) => meta != null), plain[1]!.rawOutput]).toEqual([
    false,
    { exit_code: 2, signal: null },
  ]);
  expect((await loaded({ _meta: { terminal_output: true } })).length).toBe(4);
});

test("what an editor says of itself otherwise is no style", () => {
  for (const meta of [null, undefined, 7, {}, { terminal_output: "yes" }, { terminal_output: null }])
    expect(terminalStyleOf(meta)).toBeUndefined();
});

test("in strict, with a terminal offered, our agent's command is content as it goes on, and no terminal is ever asked for", async () => {
  await using work = await openHeadless({
    capabilities: { terminal: true, fs: {} },
    mode: "auto",
    script: (seen) =>
      seen.history.some(({ results }) => results.length > 0)
        ? say("Done.")
        : say(tool("run_command", { command: "echo first; sleep 1; echo second; exit 3" })),
  });
  await work.ask("Go.");
  const updates = work.server.updates.flatMap(({ update }) =>
    update.sessionUpdate === "tool_call_update" ? [update] : [],
  );
  expect(updates.map(textOf)).toContain("first\n");
  expect(textOf(updates.at(-1)!)).toBe("[exit code 3]\nfirst\nsecond\n");
  expect(updates.at(-1)).toMatchObject({ rawOutput: { exit_code: 3, signal: null } });
  expect(work.server.faults).toEqual([]);
}, 60_000);

const commands = {
  claude: tool("Bash", { command: "echo first; exit 3", description: "d" }),
  codex: tool("exec_command", { cmd: "echo first; exit 3" }),
  gemini: tool("run_shell_command", { command: "echo first; exit 3", description: "d" }),
  local: tool("run_command", { command: "echo first; exit 3" }),
};
test.each(Object.keys(commands) as (keyof typeof commands)[])(
  "%s: with a terminal and its pieces offered, the output arrives by the tool call alone",
  async (lane) => {
    await using work = await openHeadless({
      lane,
      dialect: lane === "local" ? "openai-chat" : "anthropic",
      capabilities: { terminal: true, _meta: { terminal_output: true } },
      mode: "auto",
      script: (seen) => (seen.history.some(({ results }) => results.length > 0) ? say("Done.") : say(commands[lane])),
    });
    await work.ask("Go.");
    const updates = work.server.updates.flatMap(({ update }) =>
      update.sessionUpdate === "tool_call_update" ? [update] : [],
    );
    const data = told(updates as ToolCallUpdate[], "terminal_output")
      .map((each) => each.data)
      .join("");
    expect(data).toContain("first");
    const exits = told(updates as ToolCallUpdate[], "terminal_exit") as { exit_code?: number | null }[];
    expect(exits.map(({ exit_code }) => exit_code)).toEqual([lane === "gemini" ? null : 3]);
    expect(work.server.faults).toEqual([]);
  },
  90_000,
);
