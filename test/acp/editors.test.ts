// What an editor is told starts the server, from anywhere and with next to nothing in its environment.

import { describe, expect, test } from "bun:test";
import { chownSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { editors } from "#acp/editors.ts";
import { startAcp } from "#test/support/acp.ts";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import packageJson from "../../package.json";

type Agent = { command: string; args: string[]; env: Record<string, string> };

test("each editor's own form has the launcher by its absolute path", async () => {
  using bench = makeBench();
  for (const editor of editors.filter((each) => each !== "registry")) {
    const { code, stdout, stderr } = await bench.broke(["acp-server", "--print-config", editor]);
    expect([editor, code, stdout.includes(JSON.stringify(LAUNCHER)), stderr.startsWith("broke: for ")]).toEqual([
      editor,
      0,
      true,
      true,
    ]);
    if (editor !== "acpx") expect(stdout).toContain(JSON.stringify(bench.home));
  }
});

test("the registry's agent.json has what its schema asks for, and nothing of this machine", async () => {
  using bench = makeBench();
  const { stdout } = await bench.broke(["acp-server", "--print-config", "registry"]);
  const agent = JSON.parse(stdout) as Record<string, unknown>;
  expect(agent).toMatchObject({ id: expect.stringMatching(/^[a-z][a-z0-9-]*$/), version: packageJson.version });
  expect([typeof agent["name"], typeof agent["description"]]).toEqual(["string", "string"]);
  expect(agent["distribution"]).toEqual({
    npx: { package: `${packageJson.name}@${packageJson.version}`, args: ["acp-server"] },
  });
  expect([stdout.includes(LAUNCHER), stdout.includes(bench.home)]).toEqual([false, false]);
});

test("an editor nobody knows", async () => {
  using bench = makeBench();
  const ran = await bench.broke(["acp-server", "--print-config", "zedd"]);
  expect([ran.code, ran.stderr]).toEqual([2, "broke: unknown editor\nbroke: did you mean zed?\n"]);
});

describe("started as it is told", () => {
  test.each([
    ["zed", (config: { agent_servers: { broke: Agent } }) => config.agent_servers.broke],
    ["jetbrains", (config: { agent_servers: { broke: Agent } }) => config.agent_servers.broke],
  ] as const)("by %s, without HOME and PATH: it answers, and ends with its editor", async (editor, find) => {
    using bench = makeBench();
    const { stdout } = await bench.broke(["acp-server", "--print-config", editor]);
    const { command, args, env } = find(JSON.parse(stdout));
    const child = Bun.spawn([command, ...args], { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}}\n');
    await child.stdin.flush();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({ id: 1, result: { protocolVersion: 1 } });
    child.stdin.end();
    expect(await child.exited).toBe(0);
    expect((await reader.read()).done).toBe(true);
  });
});

test.skipIf(process.getuid!() !== 0)(
  "started by root in somebody's folder, what it keeps is theirs (needs root)",
  async () => {
    using bench = makeBench();
    const uid = 1234;
    for (const folder of [dirname(bench.workspace), bench.workspace]) chownSync(folder, uid, uid);
    await using server = startAcp(bench);
    await server.connection.agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
    await server.connection.agent.request("session/new", { cwd: bench.workspace, mcpServers: [] });
    const [session] = readdirSync(join(bench.home, "acp"));
    expect([statSync(bench.home).uid, statSync(join(bench.home, "acp", session!)).uid]).toEqual([uid, uid]);
  },
);
