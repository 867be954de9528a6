// Commands that print more than anybody wants to read, by our own agent and by Claude Code: the editor has the beginning and the end, and the server
// holds next to nothing of it. BROKE_TOOL_MB says how much (a slice here, 1 GB in the long tests).

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { openHeadless } from "#test/support/headless.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const MEGABYTES = Number(process.env.BROKE_TOOL_MB ?? 64);
const MOST_RESIDENT_KB = 150 * 1024;

const command = `yes "a line of output" | head -c ${MEGABYTES}M`;
const calls = {
  local: tool("run_command", { command }),
  claude: tool("Bash", { command, description: "d", timeout: 600_000 }),
};

test.each(["local", "claude"] as const)(
  "%s: the server's memory stays small, and so does what the editor is sent",
  async (lane) => {
    await using work = await openHeadless({
      ...{ lane, mode: "auto", dialect: lane === "local" ? "openai-chat" : "anthropic" },
      script: ({ history }) => (history.some(({ results }) => results.length > 0) ? say("Read.") : say(calls[lane])),
    });
    let most = 0;
    const look = () => {
      const status = readFileSync(`/proc/${work.server.process.pid}/status`, "utf8");
      most = Math.max(most, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]));
    };
    expect(await work.ask("Print it.")).toMatchObject({ stopReason: "end_turn" });
    look();
    const sent = work.server.updates.reduce((sum, update) => sum + JSON.stringify(update).length, 0);
    expect(JSON.stringify(work.server.updates)).toContain("a line of output");
    expect({ most: most < MOST_RESIDENT_KB, sent: sent < 1024 * 1024, saw: most > 0 }).toEqual({
      ...{ most: true, sent: true, saw: true },
    });
    expect(work.server.faults).toEqual([]);
  },
  900_000,
);
