// A client none of us wrote, and not the SDK's own: acpx, by our Bun (it asks for a newer Node than we do), with the real Claude Code in strict.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench, ROOT } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const ACPX = join(ROOT, "node_modules", "acpx", "dist", "cli.js");

test.each([
  ["--approve-all", true],
  ["--deny-all", false],
] as const)(
  "acpx %s: a turn with a tool that asks",
  async (policy, allowed) => {
    using bench = makeBench();
    const call = tool("Bash", { command: "touch made", description: "d" });
    await using upstream = await startUpstream(task([say("Making it.", call), say("That was it.")]));
    await bench.answerFrom(upstream.url);
    const words = ["--agent", `${LAUNCHER} acp-server`, policy, "--timeout", "50", "--format", "quiet"];
    const child = Bun.spawn([process.execPath, ACPX, ...words, "exec", "Make it."], {
      ...{ cwd: bench.workspace, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
    const said = await new Response(child.stdout).text();
    await child.exited;
    expect([said.includes("That was it."), existsSync(join(bench.workspace, "made"))]).toEqual([true, allowed]);
    const listed = JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as Record<string, unknown>[];
    expect(listed).toMatchObject([{ client: "claude", profile: "strict" }]);
  },
  60_000,
);
