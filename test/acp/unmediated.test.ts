// Sessions whose client has the machine as it would by itself: only where the operator says so, and then said by every session and in the audit.

import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { faultOf, saidIn, startAcp } from "#test/support/acp.ts";
import { openPair, openTalk, text, updatesOf } from "#test/support/acp-pair.ts";
import { makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

describe("what a session is told of itself", () => {
  test("an editor that takes notices has one after it opened the session, and nothing in the turn", async () => {
    using pair = openPair(undefined, { warning: "Careful." });
    await pair.ask("initialize", { protocolVersion: 1, clientCapabilities: { session: { notices: {} } } });
    const { result } = await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] });
    const opened = result as unknown as { sessionId: string; _meta: object };
    expect(opened._meta).toMatchObject({ "brokellm/warning": "Careful." });
    await pair.until(({ params }) => JSON.stringify(params)?.includes('"notice"') === true);
    await pair.ask("session/prompt", { sessionId: opened.sessionId, prompt: text("go") });
    const told = updatesOf(pair).filter(({ sessionUpdate }) => sessionUpdate !== "available_commands_update");
    const kinds = told.map(({ sessionUpdate }) => sessionUpdate);
    expect(kinds.toSorted()).toEqual(["notice", "session_info_update"]);
    const notice = told.find(({ sessionUpdate }) => sessionUpdate === "notice");
    expect(notice).toEqual({ sessionUpdate: "notice", severity: "warning", title: "Careful." } as never);
    expect(faultOf("SessionNotification", { sessionId: opened.sessionId, update: notice })).toBeUndefined();
  });

  test("another is told in the agent's words, once, in the first turn", async () => {
    using pair = await openTalk(undefined, { warning: "Careful." });
    for (const words of ["one", "two"])
      await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text(words) });
    const said = updatesOf(pair).filter(({ sessionUpdate }) => sessionUpdate === "agent_message_chunk");
    expect(said).toMatchObject([{ content: { type: "text", text: "Careful.\n\n" } }]);
  });
});

test.each([
  ["with the flag it reaches what is the operator's, and says so", ["--unmediated"], "normal", true],
  ["without it the sandbox holds, though the operator's setting is normal", [], "strict", false],
] as const)(
  "%s",
  async (_, args, profile, reaches) => {
    using bench = makeBench();
    const outside = join(dirname(bench.workspace), "outside");
    writeFileSync(outside, "");
    const copy = `cp ${outside} reached`;
    await using upstream = await startUpstream(
      task([say(tool("Bash", { command: copy, description: "d" })), say("Tried.")]),
    );
    await bench.answerFrom(upstream.url);
    expect((await bench.broke(["sandbox", "set", "normal"])).code).toBe(0);
    const asked: unknown[] = [];
    await using server = startAcp(
      bench,
      ({ toolCall }) => {
        asked.push(toolCall.title);
        return "allow";
      },
      {},
      args,
    );
    const { agent } = server.connection;
    await agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
    const session = await agent.request("session/new", { cwd: bench.workspace, mcpServers: [] });
    const { sessionId, configOptions } = session;
    expect(configOptions?.find(({ id }) => id === "sandbox")).toMatchObject({ currentValue: profile });
    const other = reaches ? "strict" : "normal";
    const set = agent.request("session/set_config_option", { sessionId, configId: "sandbox", value: other });
    expect(await set.then(() => "chosen").catch(({ code }: { code: number }) => code)).toBe(-32602);
    await agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text: "Copy it." }] });
    const said = saidIn(server.updates);
    expect([asked, existsSync(join(bench.workspace, "reached")), said.startsWith("Unmediated: ")]).toEqual([
      ...[[copy], reaches, reaches],
    ]);
    await agent.request("session/close", { sessionId });
    const { stdout } = await bench.broke(["audit", "--json"]);
    expect([/"profile": ?"normal"/.test(stdout), /"unmediated": ?true/.test(stdout)]).toEqual([reaches, reaches]);
    expect(server.faults).toEqual([]);
  },
  60_000,
);
