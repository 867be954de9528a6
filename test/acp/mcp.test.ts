// MCP servers of an editor's, which live in the sandbox beside the real client: programs alone, asked about like every tool, what they are told their
// own.

import type { McpServer } from "@agentclientprotocol/sdk";
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { saidIn, startAcp } from "#test/support/acp.ts";
import { codeOf, openPair, text } from "#test/support/acp-pair.ts";
import { makeBench } from "#test/support/broke.ts";
import { mcpServer } from "#test/support/mcp-server.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Reply, say, task, tool } from "#test/support/upstream/script.ts";

/** How each client's model comes to the tool, and to its own environment. */
const lanes: [string, Reply[], Reply][] = [
  [
    "claude",
    [
      say(tool("ToolSearch", { query: "select:mcp__fruit_plum__word", max_results: 1 })),
      say(tool("mcp__fruit_plum__word", {})),
    ],
    say(tool("Bash", { command: "env", description: "d" })),
  ],
  ["codex", [say(tool("mcp__fruit_plum__word", {}))], say(tool("exec_command", { cmd: "env" }))],
  [
    "gemini",
    [say(tool("mcp_fruit_plum_word", {}))],
    say(tool("run_shell_command", { command: "env", description: "d" })),
  ],
];

describe("a server that is a program", () => {
  test.each(lanes)(
    "%s: its tool is asked about and used; what it is told is neither the client's nor on record",
    async (lane, calls, env) => {
      using bench = makeBench();
      await using upstream = await startUpstream(task([...calls, env, say("Done.")]));
      await bench.answerFrom(upstream.url);
      writeFileSync(join(bench.workspace, "plum.js"), mcpServer);
      const titles: string[] = [];
      await using server = startAcp(bench, ({ toolCall }) => {
        titles.push(toolCall.title ?? "");
        return "allow";
      });
      await server.connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
      const args = ["node", join(bench.workspace, "plum.js")];
      const told = { name: "PLUM_WORD", value: "mirabelle-tree" };
      const plum: McpServer = { name: "@fruit/plum", command: "/usr/bin/env", args, env: [told] };
      const session = await server.connection.agent.request("session/new", {
        cwd: bench.workspace,
        mcpServers: [plum],
      });
      const { sessionId } = session;
      await server.connection.agent.request("session/set_config_option", { sessionId, configId: "lane", value: lane });
      const answer = await server.connection.agent.request("session/prompt", {
        sessionId,
        prompt: [{ type: "text", text: "go" }],
      });
      expect([answer.stopReason, saidIn(server.updates), titles.length]).toEqual(["end_turn", "Done.", 2]);
      const asked = upstream.asked().map(({ body }) => JSON.stringify(body));
      expect(asked.at(-2)).toContain("The word is mirabelle-tree.");
      expect(asked.at(-1)).not.toContain("PLUM_WORD");
      expect(server.faults).toEqual([]);
      await server.connection.agent.request("session/close", { sessionId });
      const [run] = readdirSync(join(bench.home, "runs"));
      const ledger = readFileSync(join(bench.home, "runs", run!, "ledger.jsonl"), "utf8");
      expect([ledger.includes("agent.launched"), ledger.includes("PLUM_WORD")]).toEqual([true, false]);
    },
    120_000,
  );
});

describe("what is no server that could be reached", () => {
  const plum = { name: "plum", command: "/usr/bin/env", args: [], env: [] };
  test.each([
    ["over HTTP", [{ type: "http", name: "a", url: "http://127.0.0.1/secret-x", headers: [] }]],
    ["over SSE", [{ type: "sse", name: "a", url: "http://127.0.0.1/secret-x", headers: [] }]],
    ["by a relative path", [{ ...plum, command: "secret-x" }]],
    ["with a name that is an option", [{ ...plum, name: "secret-x\n--y" }]],
    ["with a variable that is none", [{ ...plum, env: [{ name: "A=B", value: "secret-x" }] }]],
    ["twice by one name", [plum, plum]],
    ["of no kind at all", [plum, { name: "secret-x" }]],
    ["without a name", [plum, { ...plum, name: "" }]],
    ["by a name without an end", [{ ...plum, name: "secret-x".repeat(40) }]],
  ])("%s: it is refused, and nothing of it is told again", async (_, mcpServers) => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    const refused = await pair.ask("session/new", { cwd: pair.cwd, mcpServers });
    expect([codeOf(refused), JSON.stringify(refused).includes("secret-x")]).toEqual([-32602, false]);
  });

  test.each([
    ["mcpServers.1.command", [plum, { ...plum, name: "pear", command: "pear" }]],
    ["mcpServers.1.env.0.name", [plum, { ...plum, name: "pear", env: [{ name: "A=B", value: "" }] }]],
    ["mcpServers.2.type", [plum, { ...plum, name: "pear" }, { type: "http", name: "a", url: "http://a", headers: [] }]],
    ["mcpServers.1.name", [plum, plum]],
  ])("%s is named as what is wrong", async (path, mcpServers) => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    const refused = await pair.ask("session/new", { cwd: pair.cwd, mcpServers });
    expect(refused.error?.data).toMatchObject({ path });
  });

  test("what a person calls a server is a name that every client takes, and no two are one", async () => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    const long = "x".repeat(80);
    const names = [
      ...["Ünï", "@upstash/context7", "my server", "my.server", "my_server", "日本", "梅", "snake_case"],
      ...[long, `${long}y`, "😀 plum 😀", "\ud83d"],
    ];
    const mcpServers = names.map((name) => ({ ...plum, name }));
    const { result } = await pair.ask("session/new", { cwd: pair.cwd, mcpServers });
    const { sessionId } = result as unknown as { sessionId: string };
    await pair.ask("session/prompt", { sessionId, prompt: text("go") });
    expect(pair.runtimes[0]!.options.servers.map(({ name }) => name)).toEqual([
      ...["Uni", "upstash_context7", "my_server_2", "my_server_3", "my_server", "server", "server_2", "snake_case"],
      ...["x".repeat(64), `${"x".repeat(62)}_2`, "plum", "server_3"],
    ]);
  });

  test("a session that is shown again has the servers it is shown again with", async () => {
    using pair = openPair();
    await pair.ask("initialize", { protocolVersion: 1 });
    const { result } = await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [plum] });
    const { sessionId } = result as unknown as { sessionId: string };
    await pair.ask("session/resume", { sessionId, cwd: pair.cwd, mcpServers: [{ ...plum, name: "pear" }] });
    await pair.ask("session/prompt", { sessionId, prompt: text("go") });
    expect(pair.runtimes[0]!.options.servers.map(({ name }) => name)).toEqual(["pear"]);
  });
});
